"""The national rule of 2016 in OpenFisca-Core: CPI at 3.5 % or food at 6 % in a month starts it; the subsidy
is the standard times the rise of the SCPI, to the fen, half up, never below zero.

    model.py PANEL FORM [more]

PANEL is the JSON that `compare.py` writes; FORM is `whole` (fen and tenths of a per cent, in whole
numbers: exact) or `float` (yuan and per cent, as models are usually written: OpenFisca keeps 32 bits).
Prints JSON: the seconds of each stage, and what was found; with `more`, instead of what was found, the seconds
of the panel with a trace and of one area and month by itself. A month with a figure missing is undecidable,
unless the other starts it; OpenFisca knows no missing values, so that a variable says so.
"""

import json
import statistics
import sys
import time

STARTED = time.perf_counter()

import numpy
from openfisca_core.entities import build_entity
from openfisca_core.parameters import ParameterNode
from openfisca_core.periods import DateUnit
from openfisca_core.simulations import SimulationBuilder
from openfisca_core.taxbenefitsystems import TaxBenefitSystem
from openfisca_core.variables import Variable

IMPORTED = time.perf_counter()

# Below any rise and any standard: not recorded.
MISSING = -10_000
# A month that is paid, asked by itself; `main.rs` asks the same.
ONE = "370000", "2020-01"
RECIPIENT = build_entity("recipient", "recipients", "One of a group and residence", is_person=True)
AREA = build_entity("area", "areas", "An area with an index", roles=[{"key": "member", "plural": "members"}])


def variable(name, entity, value_type, **body):
    about = {"entity": entity, "value_type": value_type, "definition_period": DateUnit.MONTH, "label": name}
    return type(name, (Variable,), about | body)


def triggered(area, period, parameters):
    thresholds = parameters(period).thresholds
    return (area("cpi", period) >= thresholds.cpi) + (area("food", period) >= thresholds.food)


def undecidable(area, period):
    unknown = (area("cpi", period) == MISSING) + (area("food", period) == MISSING)
    return unknown * numpy.logical_not(area("triggered", period))


def whole_subsidy(recipient, period):
    # Fen × tenths of a per cent are thousandths of a fen.
    product = recipient("standard", period).astype(numpy.int64) * recipient.area("scpi", period)
    return recipient.area("triggered", period) * numpy.maximum((product + 500) // 1000, 0)


def float_subsidy(recipient, period):
    yuan = recipient("standard", period) * recipient.area("scpi", period) / 100
    return recipient.area("triggered", period) * numpy.maximum(numpy.floor(yuan * 100 + 0.5) / 100, 0)


FORMS = {"whole": (int, whole_subsidy, 1), "float": (float, float_subsidy, 10)}


def built(form):
    kind, subsidy, by = FORMS[form]
    system = TaxBenefitSystem([RECIPIENT, AREA])
    for name in ["cpi", "food", "scpi"]:
        system.add_variable(variable(name, AREA, kind))
    system.add_variable(variable("standard", RECIPIENT, kind))
    system.add_variable(variable("triggered", AREA, bool, formula=triggered))
    system.add_variable(variable("undecidable", AREA, bool, formula=undecidable))
    system.add_variable(variable("subsidy", RECIPIENT, kind, formula=subsidy))
    since = lambda tenths: {"values": {"2010-01-01": {"value": tenths / by}}}
    system.parameters = ParameterNode("", data={"thresholds": {"cpi": since(35), "food": since(60)}})
    return system


def filled(system, panel, areas, months):
    """A simulation of these areas and months, with the figures as inputs."""
    cells = [(area, cell) for area in areas for cell in panel["cells"]]
    builder = SimulationBuilder()
    builder.create_entities(system)
    builder.declare_person_entity("recipient", [f"{area}/{'/'.join(cell)}" for area, cell in cells])
    population = builder.declare_entity("area", areas)
    builder.join_with_persons(population, [area for area, _ in cells], ["member"] * len(cells))
    simulation = builder.build(system)
    for month in months:
        for series in ["cpi", "food", "scpi"]:
            values = [panel["inputs"][series][area][month] for area in areas]
            simulation.set_input(series, month, numpy.array(values))
        values = [panel["inputs"][f"dibao_{residence}"][area][month] for area, (_, residence) in cells]
        simulation.set_input("standard", month, numpy.array(values))
    return simulation


def scaled(panel, form):
    """The panel's whole numbers as the form has them."""
    if form == "whole":
        return panel
    of = lambda name: 100 if name.startswith("dibao") else 10
    one = lambda name, value: value if value == MISSING else value / of(name)
    for name, by_area in panel["inputs"].items():
        for area, by_month in by_area.items():
            by_area[area] = {month: one(name, value) for month, value in by_month.items()}
    return panel


def calculated(simulation, months):
    names = ["triggered", "undecidable", "subsidy"]
    return {(name, month): simulation.calculate(name, month) for month in months for name in names}


def measured_more(system, panel, areas, months):
    traced, alone = [], []
    for _ in range(5):
        simulation = filled(system, panel, areas, months)
        # What OpenFisca keeps to explain a value.
        simulation.trace = True
        start = time.perf_counter()
        calculated(simulation, months)
        traced.append(time.perf_counter() - start)
    area, month = ONE
    for _ in range(50):
        start = time.perf_counter()
        calculated(filled(system, panel, [area], [month]), [month])
        alone.append(time.perf_counter() - start)
    return {"traced": statistics.median(traced), "one": statistics.median(alone)}


def main():
    path, form, *more = sys.argv[1:]
    with open(path) as file:
        panel = scaled(json.load(file), form)
    areas, months = panel["areas"], panel["months"]
    began = time.perf_counter()
    system = built(form)
    simulation = filled(system, panel, areas, months)
    ready = time.perf_counter()
    found = calculated(simulation, months)
    computed = time.perf_counter()
    if more:
        return json.dump(measured_more(system, panel, areas, months), sys.stdout)
    fen = lambda yuan: [round(float(one) * (100 if form == "float" else 1)) for one in yuan]
    seconds = {"import": IMPORTED - STARTED, "input": ready - began, "compute": computed - ready}
    said = {
        "seconds": seconds,
        "triggered": {month: found["triggered", month].tolist() for month in months},
        "undecidable": {month: found["undecidable", month].tolist() for month in months},
        "fen": {month: fen(found["subsidy", month]) for month in months},
    }
    json.dump(said, sys.stdout)


if __name__ == "__main__":
    main()
