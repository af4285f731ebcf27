//! Pages of lists: size, token, and the next token.

use tonic::Status;

use super::read::BadField;

/// A page asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Page {
    offset: usize,
    size: usize,
}

impl Page {
    /// Size 0 means the usual; more than the most is cut to it.
    pub fn read(size: i32, token: &str, usual: usize, most: usize) -> Result<Self, Status> {
        let size = match usize::try_from(size) {
            Ok(0) => usual,
            Ok(size) => size.min(most),
            Err(_) => return Err(BadField::new("page_size", size, "0 or more").into()),
        };
        let offset = match token {
            "" => 0,
            token => {
                let offset =
                    token.strip_prefix('p').and_then(|text| usize::from_str_radix(text, 36).ok());
                let expected = "a token of the page before";
                offset.ok_or_else(|| BadField::new("page_token", token, expected))?
            }
        };
        Ok(Self { offset, size })
    }

    /// The items of the page and the token of the next. O(offset + size).
    pub fn of<T>(self, items: impl Iterator<Item = T>) -> (Vec<T>, String) {
        let mut rest = items.skip(self.offset);
        let page: Vec<_> = rest.by_ref().take(self.size).collect();
        let next = match rest.next() {
            Some(_) => format!("p{}", base36(self.offset + page.len())),
            None => String::new(),
        };
        (page, next)
    }
}

fn base36(mut number: usize) -> String {
    let mut digits = Vec::new();
    loop {
        let digit = (number % 36) as u32;
        digits.extend(char::from_digit(digit, 36));
        number /= 36;
        if number == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_follow_each_other_without_gap_or_overlap() {
        let mut seen = Vec::new();
        let mut token = String::new();
        loop {
            let page = Page::read(7, &token, 10, 50).unwrap();
            let (items, next) = page.of(0..100);
            seen.extend(items);
            if next.is_empty() {
                break;
            }
            token = next;
        }
        assert_eq!(seen, (0..100).collect::<Vec<_>>());
        assert!(Page::read(-1, "", 10, 50).is_err());
        assert!(Page::read(1, "x", 10, 50).is_err());
    }
}
