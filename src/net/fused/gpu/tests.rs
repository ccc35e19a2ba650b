use super::{
    packing::Packing,
    program::{Buffer, Contents, Dispatch, Program},
    step::{Batch, Step},
    template::{Value, expand},
};
use crate::{
    experiment::{Architecture, Embedding, Mlp, Net, Norm, Observation, Positions},
    net::layout::Layout,
    world::Rows,
};

const TOKENS: Observation = Observation::Tokens(5);

fn layout(net: &Net) -> Layout {
    Layout::new(net, TOKENS)
}

fn step(net: &Net, sequences: usize, length: usize) -> Option<Step> {
    Step::new(net, &layout(net), TOKENS, sequences, length)
}

fn program(net: &Net, sequences: usize, length: usize) -> Program {
    step(net, sequences, length).unwrap().program
}

/// Odd widths, heads and MLPs of every kind.
fn nets() -> Vec<Net> {
    let odd = Net { width: 21, heads: 3, kv_heads: 3, mlp_width: 30, positions: Positions::Alibi, ..Net::default() };
    let bare = Net { mlp: Mlp::None, norm: Norm::RmsNorm, head_width: 5, kv_heads: 2, ..Net::default() };
    let recurrent = |architecture, width| Net { architecture, width, ..Net::default() };
    let (gru, lstm) = (recurrent(Architecture::Gru, 10), recurrent(Architecture::Lstm, 32));
    // Vocabulary 5: the first layer's matrix has a row for each token, and one for the start.
    let one_hot = |net: &Net| Net { embedding: Embedding::OneHot, ..net.clone() };
    let as_wide = Net { width: 6, ..one_hot(&gru) };
    let swiglu = Net { mlp: Mlp::Gated, ..Net::small() };
    vec![Net::default(), Net::small(), swiglu, odd, bare, one_hot(&gru), one_hot(&lstm), as_wide, gru, lstm]
}

#[test]
fn every_parameter_has_a_place_of_its_own() {
    for net in nets() {
        let layout = layout(&net);
        let packing = Packing::new(&net, &layout);
        let mut places = packing.places.clone();
        places.sort_unstable();
        places.dedup();
        assert_eq!(places.len(), layout.len, "{net:?}");
        assert!((*places.last().unwrap() as usize) < packing.len);
    }
}

#[test]
fn two_blocks_are_some_sixty_dispatches() {
    let net = Net::default();
    let step = step(&net, 16, 32).unwrap();
    // AdamW comes with three more.
    assert!(step.gradient().len() + 3 <= 62, "{}", step.gradient().len());
    // Blocks share their kernels.
    let deeper = Net { blocks: 4, ..net };
    let deep = program(&deeper, 16, 32);
    let names = |p: &Program| p.kernels.iter().map(|k| k.name).collect::<Vec<_>>();
    assert_eq!(names(&step.program), names(&deep));
}

/// However long the sequences are.
#[test]
fn two_recurrent_layers_are_some_twenty_dispatches() {
    for architecture in [Architecture::Gru, Architecture::Lstm] {
        let net = Net { architecture, ..Net::default() };
        let dispatches = |length| step(&net, 16, length).unwrap().gradient().len();
        assert_eq!(dispatches(100), dispatches(1));
        // AdamW comes with three more.
        assert_eq!(dispatches(100) + 3, 24);
    }
}

/// WebGPU's least limit of a workgroup's memory is 16 KiB.
#[test]
fn a_workgroups_states_fit_its_memory() {
    // An LSTM that is much wider has more parameters than a dispatch has invocations.
    for width in [4, 9, 24, 100, 300, 504] {
        for architecture in [Architecture::Gru, Architecture::Lstm] {
            let net = Net { width, architecture, ..Net::default() };
            let kernels = program(&net, 3, 7).kernels;
            let back = kernels.iter().find(|k| k.name == "recur_back").unwrap();
            let size = |name: &str| -> usize {
                let (_, rest) = back.source.split_once(&format!("const {name} = ")).unwrap();
                rest.split_once('u').unwrap().0.parse().unwrap()
            };
            // Vectors of 16 bytes, by three names, or by two.
            assert!(16 * size("PER") * (size("ROW") + 2 * size("WIDTH")) <= 16_384, "{net:?}");
            assert!(size("PER") * size("LANES") <= 64);
        }
    }
}

#[test]
fn predictions_and_losses_are_the_step_up_to_the_head() {
    let step = step(&Net::default(), 16, 32).unwrap();
    let names = |dispatches: &[&[Dispatch]]| {
        dispatches.concat().iter().map(|d| step.program.kernels[d.kernel].name).collect::<Vec<_>>()
    };
    let (distribution, losses) = (names(&step.distribution()), names(&[step.losses()]));
    assert_eq!(distribution[..distribution.len() - 1], losses[..losses.len() - 1]);
    assert_eq!((distribution.last(), losses.last()), (Some(&"distribution"), Some(&"cross_entropy")));
    assert!(!names(&[step.gradient()]).contains(&"distribution"));
}

#[test]
fn a_dispatch_binds_at_most_eight_buffers_and_none_twice() {
    for net in nets() {
        let program = program(&net, 3, 7);
        for dispatch in &program.dispatches {
            let name = program.kernels[dispatch.kernel].name;
            assert!(dispatch.bindings.len() <= 8, "{name}");
            for (i, a) in dispatch.bindings.iter().enumerate() {
                for b in &dispatch.bindings[..i] {
                    let apart = a.offset >= b.offset + b.len.unwrap_or(usize::MAX / 2)
                        || b.offset >= a.offset + a.len.unwrap_or(usize::MAX / 2);
                    assert!(a.buffer != b.buffer || apart, "{name}: {a:?} {b:?}");
                }
            }
        }
    }
}

/// WebGPU wants a binding's offset to be a multiple of 256 bytes, and inside its buffer.
#[test]
fn bindings_begin_where_webgpu_lets_them_and_end_inside() {
    for net in nets() {
        let program = program(&net, 3, 7);
        for binding in program.dispatches.iter().flat_map(|d| &d.bindings) {
            assert_eq!(binding.offset % 64, 0);
            if let (Buffer::Own(i), Some(len)) = (binding.buffer, binding.len) {
                let Contents::Zeros(all) = program.buffers[i] else { panic!("tables are bound whole") };
                assert!(binding.offset + len <= all);
            }
        }
    }
}

#[test]
fn what_no_webgpu_device_takes_is_refused() {
    let net = Net { width: 512, ..Net::default() };
    assert!(step(&net, 4096, 512).is_none());
}

#[test]
fn a_batch_lists_its_cells_by_what_is_read_there() {
    let net = Net::default();
    let batch: Batch = step(&net, 2, 3).unwrap().batch;
    let words = batch.fill(&Rows::Tokens(vec![4, 0, 1, 4, 4, 2]));
    assert_eq!(words.len(), batch.words());
    let (read, targets, order, starts) = (&words[..6], &words[6..12], &words[12..18], &words[18..]);
    assert_eq!(read, [5, 4, 0, 5, 4, 4]);
    assert_eq!(targets, [4, 0, 1, 4, 4, 2]);
    assert_eq!(order, [2, 1, 4, 5, 0, 3]);
    assert_eq!(starts, [0, 1, 1, 1, 1, 4, 6]);
    assert_eq!(batch.fill(&Rows::Tokens(vec![4, 0, 1])), batch.fill(&Rows::Tokens(vec![4, 0, 1, 0, 0, 0])));
}

#[test]
fn a_template_keeps_drops_and_repeats_lines() {
    let text = "a\n#if X\nb\n#else\nc\n#if Y\nd\n#endif\n#endif\n#each r 2\nl$r m$q\n#end\n";
    let consts = [("N", Value::Size(3)), ("Z", Value::Number(0.5))];
    let head = "const N = 3u;\nconst Z = f32(0.5);\na\n";
    assert_eq!(expand(text, &consts, &["X"]), format!("{head}b\nl0 m4\nl1 m5\n"));
    assert_eq!(expand(text, &consts, &["Y"]), format!("{head}c\nd\nl0 m4\nl1 m5\n"));
}
