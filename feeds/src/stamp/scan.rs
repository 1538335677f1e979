//! The pieces that time stamps are made of, and the arithmetic of the calendar.

/// Seconds since 1970-01-01 of a proleptic Gregorian date and time; a 60th second is the next minute's
/// first, as in POSIX time.
#[inline]
pub(super) fn seconds(year: i64, month: i64, day: i64, hour: i64, minute: i64, second: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=length).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    // H. Hinnant, "chrono-Compatible Low-Level Date Algorithms" (2013): years that begin in March.
    let y = if month <= 2 { year - 1 } else { year };
    let era = y.div_euclid(400);
    let of_era = y - era * 400;
    let of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let days = era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

/// Reads the pieces of a stamp one after the other.
pub(super) struct Scan<'a> {
    pub text: &'a [u8],
    pub at: usize,
}

impl Scan<'_> {
    #[inline]
    pub(super) fn digits(&mut self, least: usize, most: usize) -> Option<i64> {
        let (mut value, mut count) = (0, 0);
        while count < most {
            match self.text.get(self.at) {
                Some(byte @ b'0'..=b'9') => value = value * 10 + i64::from(byte - b'0'),
                _ => break,
            }
            self.at += 1;
            count += 1;
        }
        (count >= least).then_some(value)
    }

    /// Digits after a point as nanoseconds; what is finer is cut off.
    pub(super) fn fraction(&mut self) -> Option<i64> {
        let start = self.at;
        let mut value = self.digits(1, 9)?;
        for _ in (self.at - start)..9 {
            value *= 10;
        }
        while self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        Some(value)
    }

    #[inline]
    pub(super) fn skip(&mut self, byte: u8) -> bool {
        let found = self.text.get(self.at) == Some(&byte);
        self.at += usize::from(found);
        found
    }

    #[inline]
    pub(super) fn literal(&mut self, byte: u8) -> Option<()> {
        self.skip(byte).then_some(())
    }

    /// `Z`, `UTC`, `GMT`, `+01:00`, `-0500` or `+05` in seconds ahead of UTC.
    pub(super) fn offset(&mut self) -> Option<i64> {
        for name in [&b"Z"[..], b"z", b"UTC", b"GMT"] {
            if self.text[self.at..].starts_with(name) {
                self.at += name.len();
                return Some(0);
            }
        }
        let sign = if self.skip(b'-') {
            -1
        } else {
            self.literal(b'+')?;
            1
        };
        let hours = self.digits(2, 2)?;
        self.skip(b':');
        let minutes = if self.at < self.text.len() { self.digits(2, 2)? } else { 0 };
        (hours <= 23 && minutes <= 59).then_some(sign * (hours * 3600 + minutes * 60))
    }

    pub(super) fn month_name(&mut self) -> Option<i64> {
        const NAMES: [&str; 12] = [
            "january",
            "february",
            "march",
            "april",
            "may",
            "june",
            "july",
            "august",
            "september",
            "october",
            "november",
            "december",
        ];
        let rest = &self.text[self.at..];
        let length = rest.iter().take_while(|b| b.is_ascii_alphabetic()).count();
        let word = rest[..length].to_ascii_lowercase();
        let month = NAMES.iter().position(|name| word == name.as_bytes() || word == name.as_bytes()[..3])?;
        self.at += length;
        Some(month as i64 + 1)
    }

    pub(super) fn half_day(&mut self) -> Option<bool> {
        let word = self.text.get(self.at..self.at + 2)?.to_ascii_lowercase();
        self.at += 2;
        match word.as_slice() {
            b"am" => Some(false),
            b"pm" => Some(true),
            _ => None,
        }
    }
}
