//! `sign`, `verify` and `keygen` as they are typed.
#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail loudly"
)]

mod common;

use common::{Ran, World, json_lines};
use serde_json::{Value, json};

fn key(world: &World) -> (String, String) {
    let private = world.path("k.pem");
    let made = world.run(&["keygen", &private, "--no-password"]);
    assert_eq!(made.code, 0, "{made}");
    (private, world.path("k.pub.pem"))
}

fn answer(ran: &Ran) -> Value {
    json_lines(&ran.stdout).remove(0)
}

fn signed(world: &World, example: &str) -> (String, String) {
    let model = world.example(example);
    let (private, public) = key(world);
    let ran = world.run(&["sign", &model, "--private-key", &private]);
    assert_eq!(ran.code, 0, "{ran}");
    (model, public)
}

fn append(file: &str, text: &str) {
    let mut bytes = std::fs::read(file).expect("the file");
    bytes.extend_from_slice(text.as_bytes());
    std::fs::write(file, bytes).expect("the file");
}

#[test]
fn a_signed_model_verifies_and_a_changed_file_is_named_with_its_tensors() {
    for example in ["digits-safetensors", "digits-gguf", "digits-torch"] {
        let world = World::new();
        let (model, public) = signed(&world, example);
        let verify = || world.run(&["verify", &model, "--public-key", &public, "-f", "json"]);
        let ran = verify();
        assert_eq!(ran.code, 0, "{ran}");
        assert_eq!(answer(&ran)["verified"], true);
        assert_eq!(answer(&ran)["dialect"], "oms-1.0");
        append(&format!("{model}/README.md"), "!");
        let ran = verify();
        assert_eq!(ran.code, 1, "{ran}");
        assert_eq!(answer(&ran)["reason"], "files-differ");
        assert_eq!(answer(&ran)["changed"], json!(["README.md"]));
        assert_eq!(
            answer(&ran)["message"],
            "README.md only; 0 of 4 tensors differ",
            "{example}"
        );
    }
}

#[test]
fn the_one_tensor_that_changed_is_named() {
    let world = World::new();
    let (model, public) = signed(&world, "digits-gguf");
    let file = format!("{model}/model.gguf");
    let mut bytes = std::fs::read(&file).expect("the model");
    bytes[600] ^= 1;
    std::fs::write(&file, bytes).expect("the model");
    let ran = world.run(&["verify", &model, "--public-key", &public]);
    assert_eq!(ran.code, 1, "{ran}");
    assert!(
        ran.stdout
            .contains("model.gguf only; 1 of 4 tensors differ: hidden.weight"),
        "{ran}"
    );
}

#[test]
fn words_and_spellings_of_the_reference_program_carry_over() {
    let world = World::new();
    let model = world.example("digits-gguf");
    let (private, public) = key(&world);
    let ran = world.run(&["sign", "key", &model, "--private_key", &private]);
    assert_eq!(ran.code, 0, "{ran}");
    let ran = world.run(&[
        "verify",
        "key",
        "--ignore_unsigned_files",
        "--public_key",
        &public,
        "--signature",
        "model.sig",
        "--ignore_paths",
        "nothing",
        &model,
    ]);
    assert_eq!(ran.code, 0, "{ran}");
}

#[test]
fn the_bytes_that_were_signed_are_found_again_wherever_the_folder_goes() {
    let world = World::new();
    let (model, public) = signed(&world, "digits-gguf");
    let moved = world.path("elsewhere");
    std::fs::rename(&model, &moved).expect("moved");
    let ran = world.run(&["verify", &moved, "--public-key", &public]);
    assert_eq!(ran.code, 0, "{ran}");
}

#[test]
fn shards_and_other_hashes_verify_without_being_told() {
    for more in [
        &["--hash", "blake3"][..],
        &["--hash", "blake2b", "--shard-size", "1000"],
        &["--shard-size", "100000"],
    ] {
        let world = World::new();
        let model = world.example("digits-gguf");
        let (private, public) = key(&world);
        let mut words = vec!["sign", &model, "--private-key", &private];
        words.extend_from_slice(more);
        let ran = world.run(&words);
        assert_eq!(ran.code, 0, "{ran}");
        let ran = world.run(&["verify", &model, "--public-key", &public]);
        assert_eq!(ran.code, 0, "{ran}");
    }
}

#[test]
fn a_password_comes_from_a_file_the_environment_or_an_option() {
    let world = World::new();
    let model = world.example("digits-gguf");
    let (private, word) = (world.path("k.pem"), world.path("word"));
    std::fs::write(&word, "open sesame\n").expect("a file");
    let ran = world.run(&["keygen", &private, "--password-file", &word]);
    assert_eq!(ran.code, 0, "{ran}");
    let sign = |more: &[&str]| {
        let mut words = vec!["sign", &model, "--private-key", &private];
        words.extend_from_slice(more);
        world.run(&words)
    };
    assert_eq!(sign(&["--password-file", &word]).code, 0);
    assert_eq!(sign(&["--password", "open sesame"]).code, 0);
    for (more, said) in [
        (&["--password", "shut"][..], "the password is wrong"),
        (&[], "it is encrypted; give its password"),
    ] {
        let ran = sign(more);
        assert_eq!(ran.code, 64, "{ran}");
        assert!(ran.stderr.contains(said), "{ran}");
        assert_eq!(ran.stderr.lines().count(), 1, "{ran}");
    }
}

#[test]
fn what_cannot_be_used_is_one_clear_sentence() {
    let world = World::new();
    let (model, public) = signed(&world, "digits-gguf");
    let private = world.path("k.pem");
    let nowhere = world.path("nowhere");
    for (words, said) in [
        (&["verify", &model][..], "say whose signature it must be"),
        (
            &["verify", &model, "--public-key", &private],
            "it is a private key",
        ),
        (
            &["verify", &model, "--public-key", &nowhere],
            "cannot be read",
        ),
        (&["verify", &nowhere, "--public-key", &public], "nowhere"),
        (
            &[
                "verify",
                &model,
                "--public-key",
                &public,
                "--signature",
                &nowhere,
            ],
            "there is no signature to read",
        ),
        (
            &["verify", &model, "--certificate-chain", &public],
            "it holds no certificate",
        ),
        (
            &["sign", &model, "--private-key", &public],
            "it is a public key",
        ),
        (&["sign", &model], "give the key to sign with"),
        (
            &[
                "sign",
                &model,
                "--private-key",
                &private,
                "--ignore-paths",
                &model,
            ],
            "that is the whole model",
        ),
        (
            &["keygen", &private, "--no-password"],
            "it is there already",
        ),
    ] {
        let ran = world.run(words);
        assert_eq!(ran.code, 64, "{words:?}: {ran}");
        assert!(ran.stderr.contains(said), "{words:?}: {ran}");
        assert_eq!(ran.stderr.lines().count(), 1, "{words:?}: {ran}");
        assert_eq!(ran.stdout, "", "{words:?}: {ran}");
    }
}

#[test]
fn a_refusal_has_a_name_and_exit_code_one() {
    let world = World::new();
    let (model, public) = signed(&world, "digits-gguf");
    let signature = format!("{model}/model.sig");
    let good = std::fs::read_to_string(&signature).expect("the signature");
    for (text, reason) in [
        (good[..100].to_owned(), "json-malformed"),
        (String::new(), "json-malformed"),
        (
            good.replacen("{\"", "{\"mediaType\":\"\",\"", 1),
            "json-duplicate-member",
        ),
        (good.replace("v0.3", "v0.1"), "media-type-unknown"),
        (
            good.replace("\"payload\":\"", "\"payload\":\"!"),
            "base64-malformed",
        ),
    ] {
        std::fs::write(&signature, text).expect("the signature");
        let ran = world.run(&["verify", &model, "--public-key", &public, "-f", "json"]);
        assert_eq!(ran.code, 1, "{ran}");
        assert_eq!(answer(&ran)["reason"], reason, "{ran}");
        assert_eq!(answer(&ran)["verified"], false);
    }
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("README.md", format!("{model}/link")).expect("a link");
        let ran = world.run(&[
            "sign",
            &model,
            "--private-key",
            &world.path("k.pem"),
            "-f",
            "json",
        ]);
        assert_eq!(ran.code, 1, "{ran}");
        assert_eq!(answer(&ran)["reason"], "symlink");
    }
}

/// An entry of the digest cache lets nothing pass, and `--paranoid` notices when
/// it is wrong.
#[cfg(unix)]
#[test]
fn the_cache_saves_reading_and_hides_no_change() {
    let world = World::new();
    let (model, public) = signed(&world, "digits-gguf");
    let file = format!("{model}/model.gguf");
    let verify = |more: &[&str]| {
        let mut words = vec!["verify", &model, "--public-key", &public, "-f", "json"];
        words.extend_from_slice(more);
        world.run(&words)
    };
    // Only what has rested for a while is remembered.
    std::thread::sleep(std::time::Duration::from_millis(3200));
    assert_eq!(answer(&verify(&[]))["cached"], 0);
    assert_eq!(answer(&verify(&[]))["cached"], 2);
    assert_eq!(answer(&verify(&["--no-cache"]))["cached"], 0);
    assert_eq!(answer(&verify(&["--paranoid"]))["cached"], 0);
    let metadata = std::fs::metadata(&file).expect("the model");
    let mut bytes = std::fs::read(&file).expect("the model");
    bytes[600] ^= 1;
    std::fs::write(&file, bytes).expect("the model");
    std::fs::File::options()
        .write(true)
        .open(&file)
        .and_then(|file| file.set_modified(metadata.modified()?))
        .expect("its time set back");
    let ran = verify(&[]);
    assert_eq!(ran.code, 1, "{ran}");
    assert_eq!(answer(&ran)["changed"], json!(["model.gguf"]));
}
