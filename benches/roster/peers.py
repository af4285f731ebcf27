"""The work of `run roster --validate-only` by DuckDB or by lazy Polars: the roster read, identity numbers
checked (GB 11643), rates joined, each person kept once at the highest, the payment list with the claims
it beat and the rejects written, and the totals printed.

    peers.py duckdb|polars FOLDER roster.csv|roster.parquet LIST REJECTS

Each is written the way that took its engine the least time. Both may use what the rates give them: an
order of all cells, so that whoever counts first is one comparison of integers. They skip what only a
payment run needs: keyed hashes, digests of the files, birth dates, full-width digits, funding sources.
"""

import sys

WEIGHTS = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]
CHECKS = "10X98765432"
COLUMNS = ["person_id", "name", "area_code", "group", "residence", "account"]
MONTH = "2021-04"


def duckdb_run(folder, roster, listed, rejected):
    import duckdb

    run = duckdb.connect().execute
    text = "columns={" + ", ".join(f"'{column}': 'VARCHAR'" for column in COLUMNS) + "}"
    if roster.endswith(".csv"):
        source = f"""select *, row_number() over () + 1 as row
            from read_csv('{folder}/{roster}', header=true, delim=',', {text})"""
    else:
        source = f"""select * exclude (file_row_number), file_row_number + 2 as row
            from read_parquet('{folder}/{roster}', file_row_number=true)"""
    run(f"""create temp table rates as
        select *, row_number() over (order by yuan desc, tie) as rank
        from read_csv('{folder}/rates.csv', header=true, columns={{'area_code': 'VARCHAR',
            'group': 'VARCHAR', 'residence': 'VARCHAR', 'yuan': 'DECIMAL(12, 2)', 'tie': 'BIGINT'}})""")
    total = " + ".join(f"n // {10 ** (16 - at)} % 10 * {by}" for at, by in enumerate(WEIGHTS))
    run(f"create macro check_character(n) as substr('{CHECKS}', (({total}) % 11 + 1)::INTEGER, 1)")
    # The first 17 digits tell a person; `place` is how a claim ranks, then its row.
    run(f"""create temp table claims as
        with typed as (select *, upper(person_id) as typed, length(person_id) as digits from ({source})),
        numbered as (
            select *, case
                when digits = 18 and regexp_full_match(typed, '[0-9]{{17}}[0-9X]')
                    then substr(typed, 1, 17)::BIGINT
                when digits = 15 and regexp_full_match(typed, '[0-9]{{15}}')
                    then (substr(typed, 1, 6) || '19' || substr(typed, 7))::BIGINT
                end as number
            from typed)
        select row, number, name, account, rates.rank << 32 | row as place,
            case when digits = 18 then typed else number || check_character(number) end as person_id,
            case
                when number is null then 'id_shape'
                when digits = 18 and substr(typed, 18) <> check_character(number) then 'id_check'
                when areas.area_code is null then 'area_unknown'
                when rates.rank is null then 'not_covered'
                end as reason
        from numbered
        left join rates using (area_code, "group", residence)
        left join (select distinct area_code from rates) areas on areas.area_code = numbered.area_code""")
    run(f"copy (select row, reason from claims where reason is not null) to '{rejected}' (header)")
    run("""create temp table several as
        select number, place, min(place) over (partition by number) as best
        from claims
        where reason is null and number in (
            select number from claims where reason is null group by number having count(*) > 1)""")
    run("""create temp table beats as
        select number, any_value(best) as best,
            string_agg(area_code || '/' || "group" || '/' || residence || '/' || yuan, ';' order by tie)
                filter (place <> best) as beats
        from several join rates on rates.rank = place >> 32
        group by number""")
    run("set preserve_insertion_order = false")
    run(f"""copy (
            select null as reference, '{MONTH}' as index_month, person_id, name, area_code, "group",
                residence, yuan, account, beats
            from claims join rates on rates.rank = place >> 32 left join beats using (number)
            where reason is null and (best is null or best = place)
        ) to '{listed}' (header)""")
    # What each cell is paid to, less the claims that were beaten.
    paid = run("""select count(*) - (select count(*) from several where place <> best),
            sum(yuan) - (select sum(yuan) from several join rates on rates.rank = place >> 32
                where place <> best)
        from claims join rates on rates.rank = place >> 32
        where reason is null""")
    return paid.fetchone()


def polars_run(folder, roster, listed, rejected):
    import polars as pl

    col, text = pl.col, pl.String
    cell = ["area_code", "group", "residence"]
    schema = dict.fromkeys(cell, text) | {"yuan": pl.Decimal(12, 2), "tie": pl.Int64}
    rates = pl.read_csv(f"{folder}/rates.csv", schema=schema)
    rates = rates.sort("yuan", "tie", descending=[True, False]).with_columns(
        rank=pl.int_range(pl.len(), dtype=pl.Int64),
        claim=pl.concat_str([*cell, col("yuan").cast(text)], separator="/"),
    )
    if roster.endswith(".csv"):
        schema = dict.fromkeys(COLUMNS, text)
        source = pl.scan_csv(f"{folder}/{roster}", schema=schema, row_index_name="row")
    else:
        source = pl.scan_parquet(f"{folder}/{roster}", row_index_name="row")
    typed = col("person_id").str.to_uppercase()
    second = pl.when(typed.str.contains("^[0-9]{17}[0-9X]$")).then(typed.str.head(17))
    first = [typed.str.head(6), pl.lit("19"), typed.str.slice(6)]
    number = second.when(typed.str.contains("^[0-9]{15}$")).then(pl.concat_str(first))
    total = sum(col("number") // 10 ** (16 - at) % 10 * by for at, by in enumerate(WEIGHTS))
    check = (total % 11).replace_strict(list(range(11)), list(CHECKS), return_dtype=text)
    wrong = (typed.str.len_bytes() == 18) & (typed.str.slice(17) != col("check"))
    known = rates["area_code"].unique().implode()
    reason = (
        pl.when(col("number").is_null())
        .then(pl.lit("id_shape"))
        .when(wrong)
        .then(pl.lit("id_check"))
        .when(~col("area_code").is_in(known))
        .then(pl.lit("area_unknown"))
        .when(col("rank").is_null())
        .then(pl.lit("not_covered"))
    )
    # The first 17 digits tell a person; `place` is how a claim ranks, then its row.
    claims = (
        source.with_columns(row=col("row").cast(pl.Int64) + 2, number=number.cast(pl.Int64))
        .with_columns(check=check)
        .join(rates.lazy().select(*cell, "yuan", "rank"), on=cell, how="left")
        .with_columns(reason=reason, place=col("rank") * 2**32 + col("row"))
        .drop("person_id")
        .collect(engine="streaming")
    )
    rejects = claims.lazy().filter(col("reason").is_not_null()).select("row", "reason")
    rejects.sink_csv(rejected)
    claims = claims.lazy().filter(col("reason").is_null())
    best = claims.group_by("number").agg(best=col("place").min(), several=pl.len())
    best = best.filter(1 < col("several")).collect(engine="streaming").lazy()
    beaten = (
        claims.select("number", "row", "place", "rank")
        .join(best, on="number")
        .filter(col("place") != col("best"))
        .join(rates.lazy().select("rank", "tie", "claim"), on="rank")
        .collect(engine="streaming")
        .lazy()
    )
    beats = (
        beaten.sort("best", "tie")
        .group_by("best", maintain_order=True)
        .agg(beats=col("claim").str.join(";"))
        .select("beats", row=col("best") % 2**32)
    )
    paid = claims.join(beaten.select("row"), on="row", how="anti")
    paid.join(beats, on="row", how="left").select(
        reference=pl.lit(None, dtype=text),
        index_month=pl.lit(MONTH),
        person_id=pl.concat_str(col("number").cast(text), "check"),
        name="name",
        area_code="area_code",
        group="group",
        residence="residence",
        yuan="yuan",
        account="account",
        beats="beats",
    ).sink_csv(listed, maintain_order=False)
    return paid.select(pl.len(), col("yuan").sum()).collect(engine="streaming").row(0)


if __name__ == "__main__":
    _, engine, *given = sys.argv
    lines, yuan = {"duckdb": duckdb_run, "polars": polars_run}[engine](*given)
    print(f"{lines} lines, {yuan} yuan")
