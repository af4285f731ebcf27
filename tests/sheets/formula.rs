//! A small spreadsheet: reads a workbook's cells and formulas and works the formulas out exactly,
//! from the formulas alone, so that a figure kept beside a formula proves nothing by itself.

use std::{
    collections::{BTreeMap, HashMap},
    io::Cursor,
};

use calamine::{Data, Reader, Xlsx};
use rust_decimal::{Decimal, RoundingStrategy};

/// What a cell or an expression is worth.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    Empty,
    Text(String),
    Number(Decimal),
    Many(Vec<Value>),
}

impl Value {
    pub fn number(&self) -> Decimal {
        match self {
            Self::Number(number) => *number,
            Self::Empty => Decimal::ZERO,
            other => panic!("{other:?} is no number"),
        }
    }

    fn many(self) -> Vec<Self> {
        match self {
            Self::Many(all) => all,
            one => vec![one],
        }
    }
}

/// A sheet's cells, by row and column from 0.
#[derive(Debug, Default)]
pub struct Sheet {
    pub values: BTreeMap<(u32, u32), Value>,
    pub formulas: BTreeMap<(u32, u32), String>,
}

/// A workbook.
#[derive(Debug, Default)]
pub struct Book {
    pub names: Vec<String>,
    pub sheets: HashMap<String, Sheet>,
}

impl Book {
    pub fn read(bytes: &[u8]) -> Self {
        let mut book: Xlsx<_> = calamine::open_workbook_from_rs(Cursor::new(bytes)).unwrap();
        let mut read = Self { names: book.sheet_names(), sheets: HashMap::new() };
        for name in &read.names {
            let mut sheet = Sheet::default();
            let range = book.worksheet_range(name).unwrap();
            let (top, left) = range.start().unwrap_or((0, 0));
            for (row, column, cell) in range.used_cells() {
                let value = match cell {
                    Data::String(text) if text.is_empty() => continue,
                    Data::String(text) => Value::Text(text.clone()),
                    Data::Float(number) => Value::Number(number.to_string().parse().unwrap()),
                    Data::Int(number) => Value::Number((*number).into()),
                    other => panic!("{name} {row} {column}: {other:?}"),
                };
                sheet.values.insert((top + row as u32, left + column as u32), value);
            }
            let range = book.worksheet_formula(name).unwrap();
            let (top, left) = range.start().unwrap_or((0, 0));
            for (row, column, formula) in range.used_cells() {
                sheet.formulas.insert((top + row as u32, left + column as u32), formula.clone());
            }
            read.sheets.insert(name.clone(), sheet);
        }
        read
    }

    pub fn sheet(&self, name: &str) -> &Sheet {
        self.sheets.get(name).unwrap_or_else(|| panic!("no sheet {name} in {:?}", self.names))
    }

    /// A cell's worth, worked out from formulas all the way down.
    pub fn worth(&self, sheet: &str, at: (u32, u32)) -> Value {
        match self.sheet(sheet).formulas.get(&at) {
            Some(formula) => self.evaluate(sheet, formula),
            None => self.sheet(sheet).values.get(&at).cloned().unwrap_or(Value::Empty),
        }
    }

    fn evaluate(&self, sheet: &str, formula: &str) -> Value {
        let tokens = tokens(formula);
        let mut reader = Tokens { book: self, sheet, all: &tokens, at: 0, formula };
        let value = reader.compared();
        assert_eq!(reader.at, tokens.len(), "{formula}: read to its end");
        value
    }
}

fn tokens(formula: &str) -> Vec<String> {
    let word = |one: char| one.is_alphanumeric() || matches!(one, '.' | '$' | '!' | '_' | '\'');
    let mut all: Vec<String> = Vec::new();
    let mut open = false;
    for one in formula.chars().filter(|one| !one.is_whitespace()) {
        match (word(one), open) {
            (true, true) => all.last_mut().unwrap().push(one),
            _ => all.push(one.to_string()),
        }
        open = word(one);
    }
    all
}

struct Tokens<'a> {
    book: &'a Book,
    sheet: &'a str,
    all: &'a [String],
    at: usize,
    formula: &'a str,
}

impl Tokens<'_> {
    fn peek(&self) -> &str {
        self.all.get(self.at).map_or("", String::as_str)
    }

    fn take(&mut self) -> String {
        self.at += 1;
        self.all.get(self.at - 1).cloned().unwrap_or_default()
    }

    fn expect(&mut self, token: &str) {
        let found = self.take();
        assert_eq!(found, token, "{}", self.formula);
    }

    /// `a = b`, cell by cell where one side is a range.
    fn compared(&mut self) -> Value {
        let left = self.sum();
        if self.peek() != "=" {
            return left;
        }
        self.take();
        let right = self.sum();
        let same = |one: Value| Value::Number(Decimal::from(u8::from(one == right)));
        match left {
            Value::Many(all) => Value::Many(all.into_iter().map(same).collect()),
            one => same(one),
        }
    }

    fn sum(&mut self) -> Value {
        let mut value = self.product();
        while matches!(self.peek(), "+" | "-") {
            let minus = self.take() == "-";
            let (left, right) = (value.number(), self.product().number());
            value = Value::Number(if minus { left - right } else { left + right });
        }
        value
    }

    fn product(&mut self) -> Value {
        let mut value = self.one();
        while matches!(self.peek(), "*" | "/") {
            let over = self.take() == "/";
            let right = self.one();
            value = match (value, right) {
                (Value::Many(left), Value::Many(right)) if !over => {
                    assert_eq!(left.len(), right.len(), "{}", self.formula);
                    let pairs = left.into_iter().zip(right);
                    let product = |(a, b): (Value, Value)| Value::Number(a.number() * b.number());
                    Value::Many(pairs.map(product).collect())
                }
                (left, right) => {
                    let (left, right) = (left.number(), right.number());
                    Value::Number(if over { left / right } else { left * right })
                }
            };
        }
        value
    }

    fn one(&mut self) -> Value {
        let token = self.take();
        if token == "(" {
            let value = self.compared();
            self.expect(")");
            return value;
        }
        if self.peek() == "(" {
            return self.function(&token);
        }
        if let Ok(number) = token.parse() {
            return Value::Number(number);
        }
        let (sheet, first) = self.cell(&token);
        if self.peek() != ":" {
            return self.book.worth(&sheet, first);
        }
        self.take();
        let last = self.take();
        let (_, last) = self.cell(&last);
        let rows = first.0..=last.0;
        let columns = || first.1..=last.1;
        let cells = rows.flat_map(|row| columns().map(move |column| (row, column)));
        Value::Many(cells.map(|at| self.book.worth(&sheet, at)).collect())
    }

    fn function(&mut self, name: &str) -> Value {
        self.expect("(");
        let mut given = vec![self.compared()];
        while self.peek() == "," {
            self.take();
            given.push(self.compared());
        }
        self.expect(")");
        let sum = |all: Vec<Value>| all.iter().map(Value::number).sum::<Decimal>();
        let number = |at: usize| given[at].number();
        Value::Number(match name {
            "SUM" => given.into_iter().map(|one| sum(one.many())).sum(),
            "SUMPRODUCT" => {
                let (mut columns, mut total) = (Vec::new(), Decimal::ZERO);
                columns.extend(given.into_iter().map(Value::many));
                for row in 0..columns[0].len() {
                    total += columns.iter().map(|one| one[row].number()).product::<Decimal>();
                }
                total
            }
            "ROUND" => {
                let half_up = RoundingStrategy::MidpointAwayFromZero;
                number(0).round_dp_with_strategy(number(1).try_into().unwrap(), half_up)
            }
            "INT" => number(0).floor(),
            "MIN" => number(0).min(number(1)),
            other => panic!("{other} in {}", self.formula),
        })
    }

    /// The sheet, and the row and column of `$O$5` or `'联合测算表'!O5`.
    fn cell(&self, token: &str) -> (String, (u32, u32)) {
        let (sheet, cell) = token.split_once('!').unwrap_or((self.sheet, token));
        let (sheet, cell) = (sheet.replace('\'', ""), cell.replace('$', ""));
        let digits = cell.find(|one: char| one.is_ascii_digit()).unwrap_or(0);
        let (letters, row) = cell.split_at(digits);
        assert!(!letters.is_empty(), "{token} in {}", self.formula);
        let column = letters.bytes().fold(0, |all, one| all * 26 + u32::from(one - b'A') + 1);
        (sheet, (row.parse::<u32>().unwrap() - 1, column - 1))
    }
}
