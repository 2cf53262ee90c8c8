//! Charts as inline SVG: small functions from numbers to text.
//!
//! Colours are classes that the page's style sheet fills in, light or dark. Every chart has a title
//! and a description for those who cannot see it, and its numbers also stand in a table or a label.
//! Text in a scaled drawing becomes unreadable on a phone, so that a chart is drawn twice, for a wide
//! and for a narrow screen, and the style sheet shows one of them.

use std::fmt::Write;

use super::texts::Texts;

/// Width of the drawing for a wide screen.
const WIDE: f64 = 920.0;
/// Width of the drawing for a phone.
const NARROW: f64 = 340.0;

/// What a chart is called and what it says, for those who cannot see it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Caption {
    /// What it shows.
    pub(crate) title: String,
    /// What one would see.
    pub(crate) description: String,
}

/// One bar of a histogram.
#[derive(Debug, Clone)]
pub(crate) struct Bar {
    /// What stands under it; empty for none.
    pub(crate) label: String,
    /// What is shown when pointing at it.
    pub(crate) hint: String,
    /// Its height.
    pub(crate) value: u64,
    /// Its colour: a class of the style sheet.
    pub(crate) tone: &'static str,
}

/// A vertical line in a histogram.
#[derive(Debug, Clone)]
pub(crate) struct Mark {
    /// Where: the number of bars left of it.
    pub(crate) at: f64,
    /// What it means.
    pub(crate) label: String,
    /// Whether the label stands left of the line.
    pub(crate) left: bool,
}

/// Bars side by side.
#[derive(Debug, Clone, Default)]
pub(crate) struct Histogram {
    /// Its name.
    pub(crate) caption: Caption,
    /// The bars from left to right.
    pub(crate) bars: Vec<Bar>,
    /// Lines with a meaning.
    pub(crate) marks: Vec<Mark>,
    /// Whether heights grow with the number's order of magnitude: a bar of 10 and one of 100,000 can
    /// both be seen.
    pub(crate) logarithmic: bool,
    /// Whether the number stands above each bar.
    pub(crate) numbered: bool,
}

/// Draws a histogram, wide and narrow.
pub(super) fn histogram(chart: &Histogram, texts: Texts) -> String {
    both(|width| draw_histogram(chart, texts, width))
}

/// Draws a histogram to stand beside others.
pub(crate) fn small_histogram(chart: &Histogram, texts: Texts) -> String {
    draw_histogram(chart, texts, NARROW)
}

fn draw_histogram(chart: &Histogram, texts: Texts, width: f64) -> String {
    let (left, right, top, bottom) = (52.0, 8.0, 34.0, 26.0);
    let height = if width > NARROW { 260.0 } else { 220.0 };
    let (inner_width, inner_height) = (width - left - right, height - top - bottom);
    let largest = chart.bars.iter().map(|b| b.value).max().unwrap_or(0).max(1);
    let grid = grid(largest, chart.logarithmic);
    let ceiling = grid.last().copied().unwrap_or(1).max(largest);
    let share = |value: u64| {
        if chart.logarithmic {
            ((1 + value) as f64).ln() / ((1 + ceiling) as f64).ln()
        } else {
            value as f64 / ceiling as f64
        }
    };
    let step = inner_width / chart.bars.len().max(1) as f64;
    let mut svg = open(&chart.caption, width, height);
    for value in grid {
        let y = top + inner_height * (1.0 - share(value));
        line(&mut svg, "grid", (left, y), (width - right, y));
        label(&mut svg, "tick", "end", (left - 7.0, y + 4.0), &texts.number(value));
    }
    for (at, bar) in chart.bars.iter().enumerate() {
        // Something is never drawn as nothing.
        let tall = if bar.value == 0 { 0.0 } else { (inner_height * share(bar.value)).max(1.5) };
        let (x, y) = (left + at as f64 * step, top + inner_height - tall);
        let thick = (step * 0.82).max(1.0);
        let _ = write!(
            svg,
            r#"<rect class="{}" x="{}" y="{}" width="{}" height="{}"><title>{}</title></rect>"#,
            bar.tone,
            round(x + (step - thick) / 2.0),
            round(y),
            round(thick),
            round(tall),
            escape(&bar.hint),
        );
        let middle = x + step / 2.0;
        if chart.numbered && bar.value > 0 {
            label(&mut svg, "value", "middle", (middle, y - 5.0), &texts.number(bar.value));
        }
        if !bar.label.is_empty() {
            label(&mut svg, "tick", "middle", (middle, height - 8.0), &bar.label);
        }
    }
    line(&mut svg, "axis", (left, top + inner_height), (width - right, top + inner_height));
    for mark in &chart.marks {
        let x = left + mark.at.clamp(0.0, chart.bars.len() as f64) * step;
        line(&mut svg, "mark", (x, 18.0), (x, top + inner_height));
        let (anchor, x) = if mark.left { ("end", x - 5.0) } else { ("start", x + 5.0) };
        label(&mut svg, "mark-label", anchor, (x, 24.0), &mark.label);
    }
    svg.push_str("</svg>");
    svg
}

/// Round numbers to read heights by, from 0 to at least `largest`.
fn grid(largest: u64, logarithmic: bool) -> Vec<u64> {
    if logarithmic {
        let tens = std::iter::successors(Some(1u64), |n| n.checked_mul(10));
        let mut lines: Vec<u64> = tens.take_while(|&n| n / 10 < largest).collect();
        lines.insert(0, 0);
        return lines;
    }
    let rough = largest.div_ceil(4).max(1);
    let ten = 10u64.pow(rough.ilog10());
    let step = [1, 2, 5, 10].map(|n| n * ten).into_iter().find(|&s| s >= rough).unwrap_or(rough);
    (0..=largest.div_ceil(step)).map(|n| n * step).collect()
}

/// One part of a stack.
#[derive(Debug, Clone)]
pub(super) struct Part {
    /// What it counts.
    pub(super) label: String,
    /// How many.
    pub(super) value: u64,
    /// Its colour: a class of the style sheet.
    pub(super) tone: &'static str,
}

/// Parts of one whole, in a row.
#[derive(Debug, Clone)]
pub(super) struct Stack {
    /// What the whole is.
    pub(super) label: String,
    /// Its parts.
    pub(super) parts: Vec<Part>,
}

/// Draws each stack as one bar of the same length, with the shares of its parts.
pub(super) fn stacks(caption: &Caption, stacks: &[Stack], texts: Texts) -> String {
    both(|width| {
        let height = stacks.len() as f64 * 52.0;
        let mut svg = open(caption, width, height);
        for (at, stack) in stacks.iter().enumerate() {
            let y = at as f64 * 52.0;
            let total: u64 = stack.parts.iter().map(|p| p.value).sum();
            label(&mut svg, "name", "start", (0.0, y + 16.0), &stack.label);
            label(&mut svg, "value", "end", (width, y + 16.0), &texts.number(total));
            draw_parts(&mut svg, &stack.parts, texts, (0.0, y + 23.0), width, 18.0);
        }
        svg.push_str("</svg>");
        svg
    })
}

fn draw_parts(
    svg: &mut String,
    parts: &[Part],
    texts: Texts,
    (mut x, y): (f64, f64),
    width: f64,
    height: f64,
) {
    let total: u64 = parts.iter().map(|p| p.value).sum();
    let _ = write!(
        svg,
        r#"<rect class="empty" x="{}" y="{}" width="{}" height="{height}"/>"#,
        round(x),
        round(y),
        round(width),
    );
    for part in parts.iter().filter(|p| p.value > 0) {
        let wide = (width * part.value as f64 / total.max(1) as f64).max(1.0);
        let hint = format!(
            "{}: {} ({})",
            part.label,
            texts.number(part.value),
            texts.percent(part.value, total)
        );
        let _ = write!(
            svg,
            r#"<rect class="{}" x="{}" y="{}" width="{}" height="{height}"><title>{}</title></rect>"#,
            part.tone,
            round(x),
            round(y),
            round(wide),
            escape(&hint),
        );
        x += wide;
    }
}

/// One station of a flow.
#[derive(Debug, Clone)]
pub(super) struct Node {
    /// What is counted there.
    pub(super) label: String,
    /// How many.
    pub(super) value: u64,
    /// Its colour: a class of the style sheet.
    pub(super) tone: &'static str,
}

/// What goes from one station to one of the next column.
#[derive(Debug, Clone)]
pub(super) struct Ribbon {
    /// Position of the station it leaves, in its column.
    pub(super) from: usize,
    /// Position of the station it reaches, in the next column.
    pub(super) to: usize,
    /// How many leave: the unit is that of the first column.
    pub(super) leaving: u64,
    /// How many arrive: the unit is that of the second column.
    pub(super) arriving: u64,
}

/// One column of a flow.
#[derive(Debug, Clone, Default)]
pub(super) struct Stage {
    /// What the column counts.
    pub(super) title: String,
    /// Its stations from top to bottom.
    pub(super) nodes: Vec<Node>,
    /// What goes on to the next column.
    pub(super) ribbons: Vec<Ribbon>,
}

/// Draws what becomes of what: stations and ribbons on a wide screen, one bar per column on a phone.
pub(super) fn flow(caption: &Caption, stages: &[Stage], texts: Texts) -> String {
    format!(
        r#"<div class="wide">{}</div><div class="narrow">{}</div>"#,
        draw_flow(caption, stages, texts),
        draw_steps(caption, stages, texts)
    )
}

/// Height of a station that holds everything.
const TALLEST: f64 = 250.0;
/// What a station takes at least, so that labels do not touch.
const SLOT: f64 = 44.0;
const NODE_WIDTH: f64 = 14.0;

fn draw_flow(caption: &Caption, stages: &[Stage], texts: Texts) -> String {
    let total = |stage: &Stage| stage.nodes.iter().map(|n| n.value).sum::<u64>();
    let most = stages.iter().map(total).max().unwrap_or(0).max(1);
    let tall =
        |value: u64| if value == 0 { 0.0 } else { (TALLEST * value as f64 / most as f64).max(2.0) };
    let slot = |node: &Node| (tall(node.value) + 10.0).max(SLOT);
    let column_height = |stage: &Stage| stage.nodes.iter().map(slot).sum::<f64>();
    let height = 34.0 + stages.iter().map(column_height).fold(0.0, f64::max);
    // The last column's labels stand beside it.
    let pitch = (WIDE - 170.0) / (stages.len().max(2) - 1) as f64;
    let x_of = |column: usize| column as f64 * pitch;
    let tops: Vec<Vec<f64>> = stages
        .iter()
        .map(|stage| {
            let mut y = 34.0;
            let mut top = |node: &Node| {
                let at = y + (slot(node) - tall(node.value)) / 2.0;
                y += slot(node);
                at
            };
            stage.nodes.iter().map(&mut top).collect()
        })
        .collect();

    let mut svg = open(caption, WIDE, height);
    for (column, pair) in stages.windows(2).enumerate() {
        let (mut left, mut right) = (tops[column].clone(), tops[column + 1].clone());
        for ribbon in pair[0].ribbons.iter().filter(|r| r.leaving > 0 && r.arriving > 0) {
            let (out, into) = (tall(ribbon.leaving), tall(ribbon.arriving));
            let (x0, x1) = (x_of(column) + NODE_WIDTH, x_of(column + 1));
            let (y0, y1) = (left[ribbon.from], right[ribbon.to]);
            let middle = f64::midpoint(x0, x1);
            let _ = write!(
                svg,
                r#"<path class="ribbon {}" d="M{x0},{} C{m},{} {m},{} {x1},{} L{x1},{} C{m},{} {m},{} {x0},{} Z"/>"#,
                pair[1].nodes[ribbon.to].tone,
                round(y0),
                round(y0),
                round(y1),
                round(y1),
                round(y1 + into),
                round(y1 + into),
                round(y0 + out),
                round(y0 + out),
                x0 = round(x0),
                x1 = round(x1),
                m = round(middle),
            );
            left[ribbon.from] += out;
            right[ribbon.to] += into;
        }
    }
    for (column, stage) in stages.iter().enumerate() {
        label(&mut svg, "column", "start", (x_of(column), 14.0), &stage.title);
        for (node, &y) in stage.nodes.iter().zip(&tops[column]) {
            let (x, h) = (x_of(column), tall(node.value));
            let _ = write!(
                svg,
                r#"<rect class="{}" x="{}" y="{}" width="{NODE_WIDTH}" height="{}"/>"#,
                node.tone,
                round(x),
                round(y),
                round(h),
            );
            let (x, y) = (x + NODE_WIDTH + 8.0, y + h / 2.0);
            label(&mut svg, "value", "start", (x, y - 2.0), &texts.number(node.value));
            label(&mut svg, "name", "start", (x, y + 14.0), &node.label);
        }
    }
    svg.push_str("</svg>");
    svg
}

fn draw_steps(caption: &Caption, stages: &[Stage], texts: Texts) -> String {
    let shown = |stage: &Stage| stage.nodes.iter().filter(|n| n.value > 0).count();
    let height: f64 = stages.iter().map(|s| 62.0 + 20.0 * shown(s) as f64).sum();
    let mut svg = open(caption, NARROW, height);
    let mut y = 0.0;
    for stage in stages {
        let total: u64 = stage.nodes.iter().map(|n| n.value).sum();
        label(&mut svg, "column", "start", (0.0, y + 14.0), &stage.title);
        label(&mut svg, "value", "end", (NARROW, y + 14.0), &texts.number(total));
        let part = |n: &Node| Part { label: n.label.clone(), value: n.value, tone: n.tone };
        let parts: Vec<Part> = stage.nodes.iter().map(part).collect();
        draw_parts(&mut svg, &parts, texts, (0.0, y + 22.0), NARROW, 16.0);
        y += 56.0;
        for part in parts.iter().filter(|p| p.value > 0) {
            let _ = write!(
                svg,
                r#"<rect class="{}" x="0" y="{}" width="10" height="10"/>"#,
                part.tone,
                round(y - 9.0),
            );
            label(&mut svg, "name", "start", (17.0, y), &part.label);
            label(&mut svg, "name", "end", (NARROW, y), &texts.number(part.value));
            y += 20.0;
        }
        y += 6.0;
    }
    svg.push_str("</svg>");
    svg
}

fn both(draw: impl Fn(f64) -> String) -> String {
    format!(r#"<div class="wide">{}</div><div class="narrow">{}</div>"#, draw(WIDE), draw(NARROW))
}

fn open(caption: &Caption, width: f64, height: f64) -> String {
    format!(
        r#"<svg class="chart" role="img" viewBox="0 0 {} {}"><title>{}</title><desc>{}</desc>"#,
        round(width),
        round(height),
        escape(&caption.title),
        escape(&caption.description),
    )
}

fn line(svg: &mut String, class: &str, from: (f64, f64), to: (f64, f64)) {
    let _ = write!(
        svg,
        r#"<line class="{class}" x1="{}" y1="{}" x2="{}" y2="{}"/>"#,
        round(from.0),
        round(from.1),
        round(to.0),
        round(to.1),
    );
}

fn label(svg: &mut String, class: &str, anchor: &str, at: (f64, f64), text: &str) {
    let _ = write!(
        svg,
        r#"<text class="{class}" text-anchor="{anchor}" x="{}" y="{}">{}</text>"#,
        round(at.0),
        round(at.1),
        escape(text),
    );
}

/// A coordinate to a tenth: more cannot be seen, and the page stays small.
fn round(x: f64) -> f64 {
    (x * 10.0).round() / 10.0
}

/// The text with everything that means something in HTML written out.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Lang;

    #[test]
    fn grids_reach_the_largest_bar_in_round_steps() {
        assert_eq!(grid(7, false), [0, 2, 4, 6, 8]);
        assert_eq!(grid(1234, false), [0, 500, 1000, 1500]);
        assert_eq!(grid(0, false), [0]);
        assert_eq!(grid(250, true), [0, 1, 10, 100, 1000]);
    }

    #[test]
    fn labels_are_escaped() {
        let part = Part { label: "<b>&".into(), value: 1, tone: "gold" };
        let stack = Stack { label: "<script>".into(), parts: vec![part] };
        let svg = stacks(&Caption::default(), &[stack], Texts(Lang::En));
        assert!(svg.contains("&lt;script&gt;") && svg.contains("&lt;b&gt;&amp;"));
        assert!(!svg.contains("<script"));
    }

    #[test]
    fn charts_of_nothing_are_drawn() {
        let texts = Texts(Lang::Fr);
        assert!(histogram(&Histogram::default(), texts).contains("</svg>"));
        assert!(flow(&Caption::default(), &[], texts).contains("</svg>"));
        assert!(stacks(&Caption::default(), &[], texts).contains("</svg>"));
    }

    #[test]
    fn what_is_little_is_still_seen() {
        let bar = |value| Bar { label: String::new(), hint: String::new(), value, tone: "gold" };
        let chart = Histogram { bars: vec![bar(1), bar(1_000_000)], ..Histogram::default() };
        assert!(histogram(&chart, Texts(Lang::En)).contains(r#"height="1.5""#));
    }
}
