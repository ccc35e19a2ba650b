//! Which keys a focused control needs for itself: a shortcut of the page takes none of these.

/// What has the focus, as far as keys are concerned.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control {
    /// Nothing that listens to keys: the page, text, a chart.
    None,
    /// Text is typed into it, or the browser has keys of its own for it.
    Entry,
    /// A key pressed chooses the option that begins so.
    List,
    /// Pressed by Space or Enter: buttons, links, what folds away, and what is switched on and off.
    Button,
    /// Moved by arrows and the keys around them; Space stays with it.
    Slider,
}

impl Control {
    /// By an element's tag, its `type` and `role` attributes, and whether its text can be edited; case is ignored.
    pub fn of(tag: &str, kind: &str, role: &str, editable: bool) -> Self {
        if editable {
            return Self::Entry;
        }
        let lower = |text: &str| text.trim().to_ascii_lowercase();
        // The first role that is known is the one that counts.
        if let Some(control) = lower(role).split_whitespace().find_map(Self::of_role) {
            return control;
        }
        match lower(tag).as_str() {
            "textarea" | "iframe" | "object" | "embed" | "audio" | "video" => Self::Entry,
            "select" => Self::List,
            "button" | "summary" | "a" | "area" => Self::Button,
            "input" => match lower(kind).as_str() {
                "checkbox" | "radio" | "button" | "submit" | "reset" | "image" | "file" | "color" => Self::Button,
                "range" => Self::Slider,
                // Whatever a browser does not know is a line of text.
                _ => Self::Entry,
            },
            _ => Self::None,
        }
    }

    fn of_role(role: &str) -> Option<Self> {
        Some(match role {
            "textbox" | "searchbox" | "spinbutton" | "application" => Self::Entry,
            "combobox" | "listbox" | "option" | "menu" | "menubar" | "menuitem" | "menuitemcheckbox"
            | "menuitemradio" | "tree" | "treeitem" | "grid" | "gridcell" => Self::List,
            "button" | "link" | "checkbox" | "radio" | "switch" | "tab" => Self::Button,
            "slider" | "scrollbar" => Self::Slider,
            "img" | "group" | "region" | "status" | "alert" | "none" | "presentation" => Self::None,
            _ => return None,
        })
    }

    /// Whether the control does something with this key (a `KeyboardEvent.key`). Escape is left to the page: it closes what is open.
    pub fn needs(self, key: &str) -> bool {
        if key == "Escape" {
            return false;
        }
        match self {
            Self::None => false,
            Self::Entry | Self::List => true,
            Self::Button => matches!(key, " " | "Enter") || key.starts_with("Arrow"),
            Self::Slider => {
                matches!(key, " " | "Home" | "End" | "PageUp" | "PageDown" | "+" | "-") || key.starts_with("Arrow")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page's own shortcuts.
    const SHORTCUTS: [&str; 6] = [" ", "s", "S", "r", "R", "?"];

    fn taken(tag: &str, kind: &str, role: &str) -> Vec<&'static str> {
        let control = Control::of(tag, kind, role, false);
        SHORTCUTS.into_iter().filter(|key| control.needs(key)).collect()
    }

    #[test]
    fn space_belongs_to_whatever_it_presses() {
        for (tag, kind, role) in [
            ("INPUT", "checkbox", ""),
            ("INPUT", "radio", ""),
            ("input", "file", ""),
            ("INPUT", "range", ""),
            ("BUTTON", "button", ""),
            ("BUTTON", "", ""),
            ("SUMMARY", "", ""),
            ("A", "", ""),
            ("DIV", "", "switch"),
            ("SPAN", "", "button"),
            ("DIV", "", "slider"),
            ("LI", "", "tab"),
        ] {
            assert_eq!(taken(tag, kind, role), [" "], "{tag} {kind} {role}");
        }
    }

    #[test]
    fn letters_belong_to_whatever_is_typed_into() {
        for (tag, kind, role) in [
            ("INPUT", "", ""),
            ("INPUT", "text", ""),
            ("INPUT", "number", ""),
            ("INPUT", "search", ""),
            ("INPUT", "email", ""),
            ("TEXTAREA", "", ""),
            ("SELECT", "", ""),
            ("DIV", "", "textbox"),
            ("UL", "", "listbox"),
            ("DIV", "", "unknown combobox"),
        ] {
            assert_eq!(taken(tag, kind, role), SHORTCUTS, "{tag} {kind} {role}");
        }
        assert!(Control::of("DIV", "", "", true).needs("s"), "what is edited in place");
    }

    #[test]
    fn elsewhere_the_page_has_its_keys() {
        for (tag, role) in [("BODY", ""), ("CANVAS", "img"), ("DIV", "group"), ("MAIN", ""), ("H2", ""), ("DIV", "row")]
        {
            assert_eq!(taken(tag, "", role), [""; 0], "{tag} {role}");
        }
        for (tag, kind) in
            [("SELECT", ""), ("INPUT", "text"), ("BUTTON", ""), ("INPUT", "checkbox"), ("INPUT", "range")]
        {
            assert!(
                !Control::of(tag, kind, "", false).needs("Escape"),
                "Escape closes what is open around {tag} {kind}"
            );
        }
    }
}
