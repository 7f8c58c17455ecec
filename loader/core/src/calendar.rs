//! Dates of the Gregorian calendar, from and to seconds since 1970-01-01 00:00:00.

/// Seconds in a day.
const DAY: u64 = 86_400;
/// Days in 400 years.
const ERA: u64 = 146_097;
/// Days from 0000-03-01 to 1970-01-01.
const TO_1970: u64 = 719_468;

/// A date and a time of day. Months and days count from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateTime {
    /// 1970 or later.
    pub year: u64,
    /// 1 to 12.
    pub month: u64,
    /// 1 to 31.
    pub day: u64,
    /// 0 to 23.
    pub hour: u64,
    /// 0 to 59.
    pub minute: u64,
    /// 0 to 59.
    pub second: u64,
}

impl DateTime {
    /// Returns the date that lies `seconds` after the start of 1970.
    ///
    /// Years are counted from March, so that a leap day is the last of its year; then a month's
    /// first day is a linear function of its number.
    pub fn from_seconds(seconds: u64) -> Self {
        let days = seconds / DAY + TO_1970;
        let (era, day_of_era) = (days / ERA, days % ERA);
        let year_of_era =
            (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * day_of_year + 2) / 153;
        let month = if from_march < 10 {
            from_march + 3
        } else {
            from_march - 9
        };
        let time = seconds % DAY;
        Self {
            year: era * 400 + year_of_era + u64::from(month <= 2),
            month,
            day: day_of_year - (153 * from_march + 2) / 5 + 1,
            hour: time / 3600,
            minute: time / 60 % 60,
            second: time % 60,
        }
    }

    /// Returns the seconds since the start of 1970, or `None` if there is no such date, or if it
    /// lies before that or after the year 9999.
    pub fn to_seconds(self) -> Option<u64> {
        let fits = (1970..=9999).contains(&self.year)
            && (1..=12).contains(&self.month)
            && (1..=days_in_month(self.year, self.month)).contains(&self.day)
            && self.hour < 24
            && self.minute < 60
            && self.second < 60;
        if !fits {
            return None;
        }
        let year = self.year - u64::from(self.month <= 2);
        let from_march = (self.month + 9) % 12;
        let day_of_year = (153 * from_march + 2) / 5 + self.day - 1;
        let (era, year_of_era) = (year / 400, year % 400);
        let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
        let days = era * ERA + day_of_era - TO_1970;
        Some(days * DAY + self.hour * 3600 + self.minute * 60 + self.second)
    }

    /// Returns the day of the week that `seconds` lie in, 0 for Sunday.
    pub fn weekday(seconds: u64) -> u64 {
        // 1970 began on a Thursday.
        (seconds / DAY + 4) % 7
    }
}

fn days_in_month(year: u64, month: u64) -> u64 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 => 28 + u64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn date(seconds: u64) -> (u64, u64, u64, u64, u64, u64, u64) {
        let DateTime {
            year,
            month,
            day,
            hour,
            minute,
            second,
        } = DateTime::from_seconds(seconds);
        let weekday = DateTime::weekday(seconds);
        (year, month, day, hour, minute, second, weekday)
    }

    /// As `date -u -d @SECONDS` prints them.
    #[test]
    fn dates_of_seconds() {
        assert_eq!(date(0), (1970, 1, 1, 0, 0, 0, 4));
        assert_eq!(date(951_782_400), (2000, 2, 29, 0, 0, 0, 2));
        assert_eq!(date(1_577_934_245), (2020, 1, 2, 3, 4, 5, 4));
        assert_eq!(date(4_107_542_399), (2100, 2, 28, 23, 59, 59, 0));
        assert_eq!(date(4_107_542_400), (2100, 3, 1, 0, 0, 0, 1));
        assert_eq!(date(0xffff_ffff), (2106, 2, 7, 6, 28, 15, 0));
    }

    #[test]
    fn no_such_dates() {
        let good = DateTime::from_seconds(951_782_400);
        assert_eq!(good.to_seconds(), Some(951_782_400));
        for bad in [
            DateTime { year: 1969, ..good },
            DateTime { year: 2001, ..good },
            DateTime {
                year: 10_000,
                ..good
            },
            DateTime { month: 0, ..good },
            DateTime { month: 13, ..good },
            DateTime { day: 0, ..good },
            DateTime { day: 30, ..good },
            DateTime { hour: 24, ..good },
            DateTime { minute: 60, ..good },
            DateTime { second: 60, ..good },
        ] {
            assert_eq!(bad.to_seconds(), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn there_and_back(seconds in 0_u64..250_000_000_000) {
            prop_assert_eq!(DateTime::from_seconds(seconds).to_seconds(), Some(seconds));
        }
    }
}
