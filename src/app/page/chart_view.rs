//! A chart of the run, with its heading and controls of its own.

use leptos::prelude::*;

use super::{
    plot::{PlotFrame, Source},
    predict,
    state::use_app,
};
use crate::app::charts::ChartKind;

#[component]
pub fn ChartView(
    kind: ChartKind,
    /// Controls beside the heading.
    #[prop(optional)]
    children: Option<Children>,
) -> impl IntoView {
    let name = kind.name();
    let app = use_app();
    let controls = children.map(|children| children());
    let pen = (kind == ChartKind::LossByPosition).then(|| predict::pen(app));
    view! {
        <figure class=format!("chart chart-{name}")>
            <PlotFrame source=Source::Run(kind) name testid=format!("chart-{name}") controls pen />
        </figure>
    }
}
