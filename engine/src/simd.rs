//! Which vector instructions are used. Results are the same with all of them, to the bit.

use fearless_simd::Level;

/// Which vector instructions are used; what the processor lacks is replaced by the best that it has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Simd {
    /// The best of the processor.
    #[default]
    Best,
    /// At most two numbers at a time (SSE2 on x86, what every such processor has).
    Sse2,
    /// At most four (AVX2).
    Avx2,
    /// At most eight (AVX-512).
    Avx512,
}

impl Simd {
    /// The level that the processor offers within it.
    #[allow(unreachable_patterns, reason = "other architectures have fewer levels")]
    pub(crate) fn level(self) -> Level {
        let best = Level::new();
        #[cfg(target_arch = "x86_64")]
        {
            let within = match self {
                Self::Best | Self::Avx512 => None,
                Self::Avx2 => best.as_avx2().map(Level::Avx2),
                Self::Sse2 => best.as_sse2().map(Level::Sse2),
            };
            within.unwrap_or(best)
        }
        #[cfg(not(target_arch = "x86_64"))]
        best
    }

    /// Whether the processor offers exactly this.
    pub fn is_offered(self) -> bool {
        #[cfg(target_arch = "x86_64")]
        {
            let best = Level::new();
            match self {
                Self::Best | Self::Sse2 => true,
                Self::Avx2 => best.as_avx2().is_some(),
                Self::Avx512 => best.as_avx512().is_some(),
            }
        }
        #[cfg(not(target_arch = "x86_64"))]
        {
            self == Self::Best
        }
    }
}
