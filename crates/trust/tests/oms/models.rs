//! What is noticed in a model, and what is not to matter.

use std::fs;

use modelward_trust::oms::{Algorithm, Method};

use crate::world::World;

#[test]
fn every_method_and_hash_verifies_and_notices_a_changed_byte() {
    for algorithm in Algorithm::ALL {
        for method in [Method::Files, Method::Shards(4), Method::Shards(1 << 40)] {
            let mut world = World::new(&["weights.bin", "sub/config.json", "a", "a-b", "a/b"][..2]);
            world.how.algorithm = algorithm;
            world.how.method = method;
            world.write(
                "long",
                "0123456789012345678901234567890123456789012345678901",
            );
            let bundle = world.sign();
            assert_eq!(world.differences(&bundle), "");
            world.write("sub/config.json", "sub/config.jsoN");
            assert_eq!(world.differences(&bundle), "~sub/config.json");
        }
    }
}

#[test]
fn each_file_is_told_apart() {
    let world = World::new(&["changed", "gone", "old name", "same"]);
    let bundle = world.sign();
    world.write("changed", "other");
    fs::remove_file(world.model().join("gone")).unwrap();
    fs::rename(world.model().join("old name"), world.model().join("new")).unwrap();
    world.write("more", "more");
    assert_eq!(
        world.differences(&bundle),
        "~changed -gone +more old name>new"
    );
}

#[test]
fn two_files_that_swap_names_have_changed() {
    let world = World::new(&["a", "b"]);
    let bundle = world.sign();
    world.write("a", "b");
    world.write("b", "a");
    assert_eq!(world.differences(&bundle), "~a ~b");
}

#[test]
fn a_file_that_grows_or_shrinks_by_shards_has_changed() {
    let mut world = World::new(&[]);
    world.how.method = Method::Shards(4);
    world.write("w", "01234567");
    let bundle = world.sign();
    for content in ["0123", "012345678", "0123456701234567"] {
        world.write("w", content);
        assert_eq!(world.differences(&bundle), "~w", "{content}");
    }
    world.write("w", "");
    assert_eq!(world.differences(&bundle), "~w");
}

#[test]
fn statements_and_version_control_may_come_and_go() {
    let world = World::new(&["w"]);
    let bundle = world.sign();
    for name in [
        "model.sig",
        "claims.jsonl",
        "modelward.yaml",
        ".git/HEAD",
        ".gitignore",
    ] {
        world.write(name, "x");
    }
    assert_eq!(world.differences(&bundle), "");
    for name in ["sub/.git/HEAD", ".gitmodules", "sub/model.sig"] {
        world.write(name, "x");
    }
    assert_eq!(
        world.differences(&bundle),
        "+.gitmodules +sub/.git/HEAD +sub/model.sig"
    );
}

#[test]
fn version_control_that_is_signed_is_held_to_it() {
    let mut world = World::new(&["w", ".git/HEAD"]);
    world.how.git = false;
    let bundle = world.sign();
    world.how.git = true;
    assert_eq!(world.differences(&bundle), "");
    world.write(".git/hooks/post-checkout", "evil");
    assert_eq!(world.differences(&bundle), "+.git/hooks/post-checkout");
}

#[test]
fn what_is_ignored_stays_ignored_and_only_that() {
    let mut world = World::new(&["w", "cache/a", "sub/cache/b"]);
    world.how.ignored.add("cache");
    let bundle = world.sign();
    world.how.ignored = modelward_trust::oms::Ignored::default();
    world.write("cache/c", "c");
    assert_eq!(world.differences(&bundle), "");
    world.write("sub/cache/b", "x");
    assert_eq!(world.differences(&bundle), "~sub/cache/b");
}

#[test]
fn unsigned_files_are_overlooked_when_asked_but_never_a_changed_one() {
    let mut world = World::new(&["w"]);
    let bundle = world.sign();
    world.write("more", "x");
    world.how.unsigned = true;
    assert_eq!(world.check(&bundle).unwrap().unsigned, ["more"]);
    assert_eq!(world.reason(&bundle), "verified");
    world.write("w", "x");
    assert_eq!(world.differences(&bundle), "~w");
}

#[test]
fn an_empty_model_is_not_signed() {
    let world = World::new(&[".gitignore", "model.sig"]);
    assert_eq!(world.prepare().unwrap_err().reason, "model-empty");
}

#[test]
fn one_file_is_a_model_too() {
    let world = World::new(&["w.gguf"]);
    let file = world.model().join("w.gguf");
    let mut one = World::new(&[]);
    fs::remove_dir(one.model()).unwrap();
    fs::copy(&file, one.model()).unwrap();
    let bundle = one.sign();
    assert_eq!(one.reason(&bundle), "verified");
    one.how.method = Method::Shards(3);
    let bundle = one.sign();
    assert_eq!(one.reason(&bundle), "verified");
    fs::write(one.model(), "w.ggu").unwrap();
    assert_eq!(one.reason(&bundle), "differs");
}

#[cfg(unix)]
mod links {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_link_is_refused_unless_allowed_then_its_target_is_signed() {
        let mut world = World::new(&["w"]);
        symlink("w", world.model().join("link")).unwrap();
        assert_eq!(world.prepare().unwrap_err().reason, "symlink");
        world.how.links = true;
        let bundle = world.sign();
        assert_eq!(world.reason(&bundle), "verified");
        world.how.links = false;
        assert_eq!(world.reason(&bundle), "verified", "as signed");
        world.write("w", "x");
        assert_eq!(world.differences(&bundle), "~link ~w");
    }

    #[test]
    fn a_file_replaced_by_a_link_to_the_same_bytes_is_refused() {
        let world = World::new(&["w"]);
        let bundle = world.sign();
        let elsewhere = world.folder.path().join("elsewhere");
        fs::rename(world.model().join("w"), &elsewhere).unwrap();
        symlink(&elsewhere, world.model().join("w")).unwrap();
        assert_eq!(world.reason(&bundle), "symlink");
    }

    #[test]
    fn nothing_outside_the_model_is_read_unasked() {
        let mut world = World::new(&["w"]);
        let secret = world.folder.path().join("secret");
        fs::write(&secret, "s").unwrap();
        symlink(&secret, world.model().join("link")).unwrap();
        world.how.links = true;
        let bundle = world.sign();
        assert_eq!(world.prepare().unwrap().remarks.len(), 1);
        world.how.links = false;
        assert_eq!(world.reason(&bundle), "symlink-outside");
    }

    #[test]
    fn files_behind_a_linked_folder_are_signed() {
        let mut world = World::new(&["dir/w", "other/w"]);
        world.write("other/w", "other");
        symlink("dir", world.model().join("active")).unwrap();
        world.how.links = true;
        let bundle = world.sign();
        assert_eq!(world.reason(&bundle), "verified");
        fs::remove_file(world.model().join("active")).unwrap();
        symlink("other", world.model().join("active")).unwrap();
        assert_eq!(world.differences(&bundle), "~active/w");
    }

    #[test]
    fn loops_and_dangling_links_are_refused() {
        for (target, reason) in [(".", "symlink-cycle"), ("nowhere", "symlink-dangling")] {
            let mut world = World::new(&["w"]);
            world.how.links = true;
            symlink(target, world.model().join("link")).unwrap();
            assert_eq!(world.prepare().unwrap_err().reason, reason);
        }
        let mut world = World::new(&["a/w", "b/w"]);
        world.how.links = true;
        symlink("../b", world.model().join("a/b")).unwrap();
        symlink("../a", world.model().join("b/a")).unwrap();
        assert_eq!(world.prepare().unwrap_err().reason, "symlink-cycle");
    }

    #[test]
    fn a_pipe_or_a_name_that_is_no_text_is_refused() {
        use std::ffi::OsStr;
        use std::os::unix::ffi::OsStrExt;

        let world = World::new(&["w"]);
        let bundle = world.sign();
        fs::write(world.model().join(OsStr::from_bytes(b"\xff")), "x").unwrap();
        assert_eq!(world.prepare().unwrap_err().reason, "name-not-text");
        assert_eq!(world.reason(&bundle), "name-not-text");
        let world = World::new(&["w"]);
        let bundle = world.sign();
        std::os::unix::net::UnixListener::bind(world.model().join("socket")).unwrap();
        assert_eq!(world.reason(&bundle), "not-regular");
    }
}

#[test]
fn a_file_that_changes_while_another_is_read_is_noticed() {
    use modelward_trust::oms::{SignOptions, prepare};

    let world = World::new(&["first", "second"]);
    let written = std::sync::atomic::AtomicBool::new(false);
    let meddle = |_| {
        if !written.swap(true, std::sync::atomic::Ordering::Relaxed) {
            world.write("first", "longer than it was");
        }
    };
    let refusal = prepare(
        &world.model(),
        &SignOptions {
            method: Method::Files,
            algorithm: Algorithm::Sha256,
            allow_symlinks: false,
            ignore_git: true,
            ignored: &world.how.ignored,
            cache: None,
            paranoid: false,
            parts: None,
            progress: &meddle,
        },
    )
    .unwrap_err();
    assert_eq!(refusal.reason, "changed-while-read");
    assert!(refusal.message.starts_with("first "), "{refusal}");
}
