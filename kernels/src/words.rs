//! A shape as numbers, for a net that is computed elsewhere (`kernels/module`).

use crate::shape::{Architecture, Kind, Mlp, Positions, Shape};

impl Shape {
    /// Length of [`Self::words`].
    pub const WORDS: usize = 16;

    /// The shape as numbers of 32 bits, which [`Self::from_words`] reads; for a net that is
    /// computed in another module.
    pub fn words(&self) -> [u32; Self::WORDS] {
        let (kind, size) = match self.kind {
            Kind::Tokens(size) => (0, size),
            Kind::Vectors(size) => (1, size),
        };
        let architecture = match self.architecture {
            Architecture::Transformer => 0,
            Architecture::Gru => 1,
            Architecture::Lstm => 2,
        };
        let mlp = match self.mlp {
            Mlp::None => 0,
            Mlp::Gelu => 1,
            Mlp::Gated => 2,
            Mlp::Geglu => 3,
        };
        let positions = match self.positions {
            Positions::Learned => 0,
            Positions::Rotary => 1,
            Positions::Alibi => 2,
        };
        [
            kind,
            size,
            architecture,
            self.length,
            self.blocks,
            self.width,
            self.context,
            self.heads,
            self.kv_heads,
            self.head_width,
            mlp,
            self.mlp_width,
            positions,
            usize::from(self.layer_norm),
            usize::from(self.one_hot),
            self.epsilon.to_bits() as usize,
        ]
        .map(|number| number as u32)
    }

    /// Reads what [`Self::words`] wrote; `None` where the numbers are no shape's.
    pub fn from_words(words: &[u32; Self::WORDS]) -> Option<Self> {
        let [
            kind,
            size,
            architecture,
            length,
            blocks,
            width,
            context,
            heads,
            kv_heads,
            head_width,
            mlp,
            mlp_width,
            positions,
            norm,
            one_hot,
            epsilon,
        ] = words.map(|word| word as usize);
        let whole = [size, length, context, width, heads, kv_heads, head_width];
        let epsilon = f32::from_bits(epsilon as u32);
        let sound = epsilon.is_finite() && epsilon > 0.0;
        if whole.contains(&0) || !heads.is_multiple_of(kv_heads) || norm > 1 || one_hot > 1 || !sound {
            return None;
        }
        Some(Self {
            kind: match kind {
                0 => Kind::Tokens(size),
                1 => Kind::Vectors(size),
                _ => return None,
            },
            architecture: match architecture {
                0 => Architecture::Transformer,
                1 => Architecture::Gru,
                2 => Architecture::Lstm,
                _ => return None,
            },
            length,
            blocks,
            width,
            context,
            heads,
            kv_heads,
            head_width,
            mlp: match mlp {
                0 => Mlp::None,
                1 => Mlp::Gelu,
                2 => Mlp::Gated,
                3 => Mlp::Geglu,
                _ => return None,
            },
            mlp_width,
            positions: match positions {
                0 => Positions::Learned,
                1 => Positions::Rotary,
                2 => Positions::Alibi,
                _ => return None,
            },
            layer_norm: norm == 1,
            one_hot: one_hot == 1,
            epsilon,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shape_survives_its_words() {
        for kind in [Kind::Tokens(5), Kind::Vectors(3)] {
            for mlp in [Mlp::None, Mlp::Gelu, Mlp::Gated, Mlp::Geglu] {
                for (architecture, positions) in [
                    (Architecture::Transformer, Positions::Learned),
                    (Architecture::Gru, Positions::Rotary),
                    (Architecture::Lstm, Positions::Alibi),
                ] {
                    for layer_norm in [false, true] {
                        let shape = Shape {
                            kind,
                            architecture,
                            length: 7,
                            blocks: 2,
                            width: 12,
                            context: 11,
                            heads: 4,
                            kv_heads: 2,
                            head_width: 6,
                            mlp,
                            mlp_width: 20,
                            positions,
                            layer_norm,
                            one_hot: !layer_norm,
                            epsilon: 1e-6,
                        };
                        assert_eq!(Shape::from_words(&shape.words()), Some(shape));
                    }
                }
            }
        }
    }

    #[test]
    fn what_describes_no_net_is_refused() {
        assert_eq!(Shape::from_words(&[0; Shape::WORDS]), None);
        assert_eq!(Shape::from_words(&[9; Shape::WORDS]), None);
    }
}
