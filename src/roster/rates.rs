//! What a person of each cell is paid, and which cell counts when a person has several.

use super::{
    cell::{CellId, Cells},
    reject::Reason,
};

/// What a person of a cell is paid, in whole fen, or why nothing.
pub type Rate = Result<u64, Reason>;

/// The rates of all cells, in the order in which they count: the higher amount first; at the same
/// amount the lower area code, then the group's code, then urban before rural.
pub struct Rates {
    /// Cells with an amount, the one that counts first at the front.
    order: Vec<CellId>,
    /// For each cell its place in `order`, or the end of it plus the number of its reason.
    ranks: Vec<u32>,
    fen: Vec<u64>,
}

impl Rates {
    /// Orders the rates. O(cells log cells).
    pub fn new(cells: &Cells, rate: impl Fn(CellId) -> Rate) -> Self {
        let all = 0..cells.len() as CellId;
        let rates: Vec<_> = all.clone().map(rate).collect();
        let fen: Vec<_> = rates.iter().map(|rate| rate.unwrap_or_default()).collect();
        let mut order: Vec<_> = all.filter(|cell| rates[*cell as usize].is_ok()).collect();
        order.sort_by_key(|cell| (std::cmp::Reverse(fen[*cell as usize]), *cell));
        let behind = order.len() as u32;
        let mut ranks: Vec<_> =
            rates.iter().map(|rate| rate.err().map_or(0, |why| behind + why as u32)).collect();
        for (rank, cell) in order.iter().zip(0..).map(|(cell, rank)| (rank, *cell)) {
            ranks[cell as usize] = rank;
        }
        Self { order, ranks, fen }
    }

    /// The rank of a cell: the lower counts.
    pub(super) fn rank(&self, cell: CellId) -> u32 {
        self.ranks[cell as usize]
    }

    /// The cell with a rank, or why its rows are not paid.
    pub(super) fn ranked(&self, rank: u32) -> Result<CellId, Reason> {
        let found = self.order.get(rank as usize).copied();
        found.ok_or_else(|| {
            let reason = (rank as usize).saturating_sub(self.order.len());
            Reason::ALL.get(reason).copied().unwrap_or(Reason::NoSum)
        })
    }

    /// Whether a person of the cell is paid.
    pub fn pays(&self, cell: CellId) -> bool {
        (self.rank(cell) as usize) < self.order.len()
    }

    /// What a person of the cell is paid, in fen; 0 when nothing.
    pub fn fen(&self, cell: CellId) -> u64 {
        self.fen[cell as usize]
    }
}
