use super::*;
use crate::render::samples;

#[test]
fn a_denial() {
    let report = samples::deny();
    insta::assert_snapshot!(render(&[Answer::from(&report)], &RenderOptions::default()));
}

#[test]
fn pages_ask_for_nothing_and_run_nothing() {
    let reports = samples::all();
    let answers: Vec<Answer<'_>> = reports.iter().map(|(_, report)| report.into()).collect();
    let page = render(&answers, &RenderOptions::default());
    let (_, body) = page.split_once("</style>").expect("a style");
    for word in [
        "<script", "<img", "<link", "<iframe", "src=", "href=", "url(", " style=", "@import",
    ] {
        let tags: Vec<&str> = body
            .split('<')
            .skip(1)
            .filter_map(|rest| rest.split('>').next())
            .collect();
        assert!(!STYLE.contains(word), "{word}");
        assert!(
            !tags.iter().any(|tag| format!("<{tag}").contains(word)),
            "{word}"
        );
    }
}

#[test]
fn tags_are_balanced_whatever_the_artifact_says() {
    for (name, report) in samples::all() {
        let page = render(&[Answer::from(&report)], &RenderOptions::default());
        let mut open = Vec::new();
        for tag in page
            .split('<')
            .skip(2)
            .filter_map(|rest| rest.split('>').next())
        {
            if let Some(closed) = tag.strip_prefix('/') {
                assert_eq!(open.pop(), Some(closed.to_owned()), "{name}");
            } else if !tag.ends_with('/') && !tag.starts_with("meta ") {
                open.push(tag.split([' ', '\n']).next().unwrap_or_default().to_owned());
            }
        }
        assert!(open.is_empty(), "{name}: {open:?}");
    }
}

#[test]
fn base64_is_the_usual_one() {
    assert_eq!(base64(b"Man"), "TWFu");
    assert_eq!(base64(b"Ma"), "TWE=");
    assert_eq!(base64(b"M"), "TQ==");
}

/// Writes the sample pages and answers to the folder that
/// `MODELWARD_LOOK` names, to be looked at.
#[test]
fn samples_can_be_looked_at() {
    let Some(folder) = std::env::var_os("MODELWARD_LOOK").map(std::path::PathBuf::from) else {
        eprintln!("skipped: MODELWARD_LOOK names no folder");
        return;
    };
    for (name, report) in samples::all() {
        let answer = Answer {
            elapsed: Some(std::time::Duration::from_millis(940)),
            recorded: report.verdict.as_ref().map(|_| crate::render::Recorded {
                number: 17,
                place: "~/.local/share/modelward",
            }),
            ..Answer::from(&report)
        };
        let options = RenderOptions {
            colour: true,
            ..RenderOptions::default()
        };
        for (format, ending) in [
            (crate::render::Format::Html, "html"),
            (crate::render::Format::Text, "txt"),
            (crate::render::Format::Sarif, "sarif"),
        ] {
            let text = crate::render::render(format, &[answer], &options);
            std::fs::write(folder.join(name).with_extension(ending), text).expect("written");
        }
    }
}
