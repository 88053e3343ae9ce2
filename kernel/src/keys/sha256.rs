//! SHA-256 (FIPS 180-4) with the SIMD instructions of WebAssembly: the message schedule of a block four words at a time.
//! Only the compression of blocks is here; how it becomes a hash and a MAC is that of the crates `digest` and `hmac`.

use core::arch::wasm32::{
    i8x16_shuffle, u32x4, u32x4_add, u32x4_extract_lane, u32x4_shl, u32x4_shr, u32x4_shuffle,
    u32x4_splat, u64x2, v128, v128_or, v128_xor,
};

use hmac::digest::block_buffer::Eager;
use hmac::digest::core_api::{
    Block, BlockSizeUser, Buffer, BufferKindUser, CoreWrapper, FixedOutputCore, OutputSizeUser,
    UpdateCore,
};
use hmac::digest::typenum::{U32, U64};
use hmac::digest::{HashMarker, Output, Reset};

/// The hash.
pub(super) type Sha256 = CoreWrapper<Core>;

/// The state between two blocks, and how many there were.
#[derive(Clone)]
pub(super) struct Core {
    state: [u32; 8],
    blocks: u64,
}

/// Section 5.3.3: the first bits of the square roots of the first primes.
const START: [u32; 8] = [
    0x6a09_e667,
    0xbb67_ae85,
    0x3c6e_f372,
    0xa54f_f53a,
    0x510e_527f,
    0x9b05_688c,
    0x1f83_d9ab,
    0x5be0_cd19,
];

impl Default for Core {
    fn default() -> Self {
        Self {
            state: START,
            blocks: 0,
        }
    }
}

impl Reset for Core {
    fn reset(&mut self) {
        *self = Self::default();
    }
}

impl HashMarker for Core {}

impl BlockSizeUser for Core {
    type BlockSize = U64;
}

impl BufferKindUser for Core {
    type BufferKind = Eager;
}

impl OutputSizeUser for Core {
    type OutputSize = U32;
}

impl UpdateCore for Core {
    fn update_blocks(&mut self, blocks: &[Block<Self>]) {
        self.blocks += blocks.len() as u64;
        for block in blocks {
            compress(&mut self.state, block.as_ref());
        }
    }
}

impl FixedOutputCore for Core {
    fn finalize_fixed_core(&mut self, buffer: &mut Buffer<Self>, out: &mut Output<Self>) {
        let bits = 8 * (64 * self.blocks + buffer.get_pos() as u64);
        buffer.len64_padding_be(bits, |block| compress(&mut self.state, block.as_ref()));
        for (bytes, word) in out.chunks_exact_mut(4).zip(self.state) {
            bytes.copy_from_slice(&word.to_be_bytes());
        }
    }
}

/// Section 4.2.2: the first bits of the cube roots of the first primes, four rounds a line.
const ROUNDS: [[[u32; 4]; 4]; 4] = [
    [
        [0x428a_2f98, 0x7137_4491, 0xb5c0_fbcf, 0xe9b5_dba5],
        [0x3956_c25b, 0x59f1_11f1, 0x923f_82a4, 0xab1c_5ed5],
        [0xd807_aa98, 0x1283_5b01, 0x2431_85be, 0x550c_7dc3],
        [0x72be_5d74, 0x80de_b1fe, 0x9bdc_06a7, 0xc19b_f174],
    ],
    [
        [0xe49b_69c1, 0xefbe_4786, 0x0fc1_9dc6, 0x240c_a1cc],
        [0x2de9_2c6f, 0x4a74_84aa, 0x5cb0_a9dc, 0x76f9_88da],
        [0x983e_5152, 0xa831_c66d, 0xb003_27c8, 0xbf59_7fc7],
        [0xc6e0_0bf3, 0xd5a7_9147, 0x06ca_6351, 0x1429_2967],
    ],
    [
        [0x27b7_0a85, 0x2e1b_2138, 0x4d2c_6dfc, 0x5338_0d13],
        [0x650a_7354, 0x766a_0abb, 0x81c2_c92e, 0x9272_2c85],
        [0xa2bf_e8a1, 0xa81a_664b, 0xc24b_8b70, 0xc76c_51a3],
        [0xd192_e819, 0xd699_0624, 0xf40e_3585, 0x106a_a070],
    ],
    [
        [0x19a4_c116, 0x1e37_6c08, 0x2748_774c, 0x34b0_bcb5],
        [0x391c_0cb3, 0x4ed8_aa4a, 0x5b9c_ca4f, 0x682e_6ff3],
        [0x748f_82ee, 0x78a5_636f, 0x84c8_7814, 0x8cc7_0208],
        [0x90be_fffa, 0xa450_6ceb, 0xbef9_a3f7, 0xc671_78f2],
    ],
];

/// Section 6.2.2.
#[target_feature(enable = "simd128")]
fn compress(state: &mut [u32; 8], block: &[u8; 64]) {
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = *state;
    let [mut w0, mut w1, mut w2, mut w3] = words(block);
    macro_rules! round {
        ($a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident, $word:expr) => {
            let sum = $e.rotate_right(6) ^ $e.rotate_right(11) ^ $e.rotate_right(25);
            let t = ($h.wrapping_add($word))
                .wrapping_add(sum)
                .wrapping_add($g ^ ($e & ($f ^ $g)));
            let sum = $a.rotate_right(2) ^ $a.rotate_right(13) ^ $a.rotate_right(22);
            $d = $d.wrapping_add(t);
            $h = t
                .wrapping_add(sum)
                .wrapping_add(($a & $b) | ($c & ($a | $b)));
        };
    }
    macro_rules! four {
        ($words:expr, $line:expr, $a:ident $b:ident $c:ident $d:ident $e:ident $f:ident $g:ident $h:ident) => {
            let [k0, k1, k2, k3] = *$line;
            let words = u32x4_add($words, u32x4(k0, k1, k2, k3));
            round!($a $b $c $d $e $f $g $h, u32x4_extract_lane::<0>(words));
            round!($h $a $b $c $d $e $f $g, u32x4_extract_lane::<1>(words));
            round!($g $h $a $b $c $d $e $f, u32x4_extract_lane::<2>(words));
            round!($f $g $h $a $b $c $d $e, u32x4_extract_lane::<3>(words));
        };
    }
    // Not unrolled: as quick once it is hot, and a runtime compiles it before the first token is checked.
    let [first @ .., last] = &ROUNDS;
    for [k0, k1, k2, k3] in first {
        four!(w0, k0, a b c d e f g h);
        w0 = next(w0, w1, w2, w3);
        four!(w1, k1, e f g h a b c d);
        w1 = next(w1, w2, w3, w0);
        four!(w2, k2, a b c d e f g h);
        w2 = next(w2, w3, w0, w1);
        four!(w3, k3, e f g h a b c d);
        w3 = next(w3, w0, w1, w2);
    }
    let [k0, k1, k2, k3] = last;
    four!(w0, k0, a b c d e f g h);
    four!(w1, k1, e f g h a b c d);
    four!(w2, k2, a b c d e f g h);
    four!(w3, k3, e f g h a b c d);
    for (word, new) in state.iter_mut().zip([a, b, c, d, e, f, g, h]) {
        *word = word.wrapping_add(new);
    }
}

/// The words of a block, which are big-endian.
#[inline]
#[target_feature(enable = "simd128")]
fn words(block: &[u8; 64]) -> [v128; 4] {
    let (halves, _) = block.as_chunks::<8>();
    let half = |index: usize| {
        halves
            .get(index)
            .map_or(0, |half| u64::from_le_bytes(*half))
    };
    [0, 2, 4, 6].map(|index| {
        let bytes = u64x2(half(index), half(index + 1));
        i8x16_shuffle::<3, 2, 1, 0, 7, 6, 5, 4, 11, 10, 9, 8, 15, 14, 13, 12>(bytes, bytes)
    })
}

/// The four words of the schedule after these sixteen.
#[inline]
#[target_feature(enable = "simd128")]
fn next(w0: v128, w1: v128, w2: v128, w3: v128) -> v128 {
    let zero = u32x4_splat(0);
    let known = u32x4_add(
        u32x4_add(w0, sigma0(u32x4_shuffle::<1, 2, 3, 4>(w0, w1))),
        u32x4_shuffle::<1, 2, 3, 4>(w2, w3),
    );
    // Two of the four depend on the two before them.
    let before = sigma1(u32x4_shuffle::<2, 3, 2, 3>(w3, w3));
    let half = u32x4_add(known, u32x4_shuffle::<0, 1, 4, 4>(before, zero));
    let before = sigma1(u32x4_shuffle::<0, 1, 0, 1>(half, half));
    u32x4_add(half, u32x4_shuffle::<4, 4, 2, 3>(before, zero))
}

#[inline]
#[target_feature(enable = "simd128")]
fn sigma0(x: v128) -> v128 {
    let rotated = v128_xor(
        v128_or(u32x4_shr(x, 7), u32x4_shl(x, 25)),
        v128_or(u32x4_shr(x, 18), u32x4_shl(x, 14)),
    );
    v128_xor(rotated, u32x4_shr(x, 3))
}

#[inline]
#[target_feature(enable = "simd128")]
fn sigma1(x: v128) -> v128 {
    let rotated = v128_xor(
        v128_or(u32x4_shr(x, 17), u32x4_shl(x, 15)),
        v128_or(u32x4_shr(x, 19), u32x4_shl(x, 13)),
    );
    v128_xor(rotated, u32x4_shr(x, 10))
}
