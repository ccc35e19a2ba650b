//! A net's loss and gradient for JavaScript, which writes numbers into this module's memory and reads them there. Too small
//! to be worth wasm-bindgen, and built twice: with and without relaxed SIMD (`xtask/src/stage.rs`).
//!
//! One net per instance: [`words`], then [`prepare`]; then for each step [`parameters`], [`cells`], [`step`] and [`gradient`], or
//! to predict [`predict`] and [`distribution`] in place of the last two.
//! Whoever calls reads every address anew, as memory may grow and move with each call.

use std::cell::RefCell;

use kernels::{Cells, Kind, Net, Shape};

#[derive(Default)]
struct State {
    words: [u32; Shape::WORDS],
    net: Option<Net>,
    parameters: Vec<f32>,
    gradient: Vec<f32>,
    tokens: Vec<u16>,
    vectors: Vec<f32>,
    distribution: Vec<f32>,
}

/// The cells that were written, as the net takes them.
fn given<'a>(net: &Net, tokens: &'a [u16], vectors: &'a [f32]) -> Cells<'a> {
    match net.shape().kind {
        Kind::Tokens(_) => Cells::Tokens(tokens),
        Kind::Vectors(dimension) => Cells::Vectors { dimension, values: vectors },
    }
}

thread_local! {
    static STATE: RefCell<State> = RefCell::default();
}

fn with<R>(f: impl FnOnce(&mut State) -> R) -> R {
    STATE.with_borrow_mut(f)
}

/// Where the [`Shape::WORDS`] words go that describe a net.
#[allow(unsafe_code, reason = "a name for JavaScript")]
#[unsafe(no_mangle)]
pub extern "C" fn words() -> *mut u32 {
    with(|state| state.words.as_mut_ptr())
}

/// Makes the net that [`words`] describe; gives how many parameters it has, 0 where they describe none.
#[allow(unsafe_code, reason = "a name for JavaScript")]
#[unsafe(no_mangle)]
pub extern "C" fn prepare() -> usize {
    with(|state| {
        state.net = Shape::from_words(&state.words).map(Net::new);
        let count = state.net.as_ref().map_or(0, Net::parameters);
        state.parameters = vec![0.0; count];
        state.gradient = vec![0.0; count];
        count
    })
}

/// Where the flat parameters go, f32.
#[allow(unsafe_code, reason = "a name for JavaScript")]
#[unsafe(no_mangle)]
pub extern "C" fn parameters() -> *mut f32 {
    with(|state| state.parameters.as_mut_ptr())
}

/// Where the cells of whole sequences go: `count` u16, or as many f32.
#[allow(unsafe_code, reason = "a name for JavaScript")]
#[unsafe(no_mangle)]
pub extern "C" fn cells(count: usize) -> *mut u8 {
    with(|state| match state.net.as_ref().map(|net| net.shape().kind) {
        Some(Kind::Vectors(_)) => {
            state.vectors.resize(count, 0.0);
            state.vectors.as_mut_ptr().cast()
        }
        _ => {
            state.tokens.resize(count, 0);
            state.tokens.as_mut_ptr().cast()
        }
    })
}

/// Mean loss of the cells, nats; NaN without a net. Leaves its gradient at [`gradient`].
#[allow(unsafe_code, reason = "a name for JavaScript")]
#[unsafe(no_mangle)]
pub extern "C" fn step() -> f64 {
    with(|state| {
        let Some(net) = &mut state.net else { return f64::NAN };
        let cells = given(net, &state.tokens, &state.vectors);
        net.loss_and_gradient(&state.parameters, cells, &mut state.gradient)
    })
}

/// Where the flat gradient is, f32.
#[allow(unsafe_code, reason = "a name for JavaScript")]
#[unsafe(no_mangle)]
pub extern "C" fn gradient() -> *const f32 {
    with(|state| state.gradient.as_ptr())
}

/// Predicts the cells; gives how many numbers it leaves at [`distribution`], 0 without a net.
#[allow(unsafe_code, reason = "a name for JavaScript")]
#[unsafe(no_mangle)]
pub extern "C" fn predict() -> usize {
    with(|state| {
        let Some(net) = &mut state.net else { return 0 };
        let cells = given(net, &state.tokens, &state.vectors);
        state.distribution.clear();
        net.predict(&state.parameters, cells, &mut state.distribution, None);
        state.distribution.len()
    })
}

/// Where the predictive distribution of each cell is, f32.
#[allow(unsafe_code, reason = "a name for JavaScript")]
#[unsafe(no_mangle)]
pub extern "C" fn distribution() -> *const f32 {
    with(|state| state.distribution.as_ptr())
}
