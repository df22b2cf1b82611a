//! Which loader a zip is made for, told by the names of its members, and what
//! that loader reads of it.

/// One member, as its loader sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    /// Read as whatever its content is.
    Content,
    /// Numbers; anything else in it is hidden.
    Blob,
    /// A line of text that describes the archive.
    Note,
    /// TorchScript's own serialized code.
    Script,
    /// The loader never opens it.
    Bystander,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavour {
    Zip,
    Torch,
    Script,
    Exported,
    Npz,
    Wheel,
    Keras,
    Skops,
}

impl Flavour {
    pub(super) fn format(self) -> &'static str {
        match self {
            Self::Zip => "zip",
            Self::Torch => "pytorch-zip",
            Self::Script => "torchscript",
            Self::Exported => "pt2",
            Self::Npz => "npz",
            Self::Wheel => "wheel",
            Self::Keras => "keras",
            Self::Skops => "skops",
        }
    }

    /// Told by names only. PyTorch puts everything under one folder and finds
    /// its records by what follows it.
    pub(super) fn of<'a>(names: &(impl Iterator<Item = &'a str> + Clone)) -> Self {
        let has = |wanted: &str| names.clone().any(|name| below_top(name) == wanted);
        let exact = |wanted: &str| names.clone().any(|name| name == wanted);
        let pickled = has("data.pkl");
        let code = names
            .clone()
            .any(|name| below_top(name).starts_with("code/"));
        if has("archive_format")
            && names
                .clone()
                .any(|name| below_top(name).starts_with("models/"))
        {
            Self::Exported
        } else if code && (has("constants.pkl") || pickled) {
            Self::Script
        } else if pickled || (has("constants.pkl") && has("bytecode.pkl")) {
            Self::Torch
        } else if exact("config.json") && exact("metadata.json") {
            Self::Keras
        } else if exact("schema.json") {
            Self::Skops
        } else if names.clone().any(|name| name.ends_with(".dist-info/WHEEL")) {
            Self::Wheel
        } else if names.clone().any(|name| name.ends_with(".npy")) {
            Self::Npz
        } else {
            Self::Zip
        }
    }

    pub(super) fn role(self, name: &str, content: &[u8]) -> Role {
        match self {
            Self::Torch | Self::Script | Self::Exported => self.torch_role(below_top(name)),
            // `numpy.load` gives a member that is no array as plain bytes.
            Self::Npz if !content.starts_with(b"\x93NUMPY") => Role::Bystander,
            _ => Role::Content,
        }
    }

    fn torch_role(self, name: &str) -> Role {
        let number = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        let blob = ["data/", "tensors/", "constants/"]
            .iter()
            .filter_map(|folder| name.strip_prefix(folder))
            .any(number);
        match name {
            _ if blob => Role::Blob,
            "version"
            | "byteorder"
            | ".format_version"
            | ".storage_alignment"
            | ".data/serialization_id"
            | ".data/version"
            | "archive_format"
            | "archive_version" => Role::Note,
            _ if self == Self::Exported => {
                let weights =
                    name.starts_with("data/weights/") || name.starts_with("data/constants/");
                if weights && !name.ends_with(".pt") && !name.ends_with(".json") {
                    Role::Blob
                } else {
                    Role::Content
                }
            }
            _ if name.starts_with("code/") && name.ends_with(".py") => Role::Script,
            // Records are found by the end of their name.
            _ if name.ends_with(".pkl") || name.ends_with(".debug_pkl") => Role::Content,
            _ if self == Self::Script && name.starts_with("extra/") => Role::Content,
            _ => Role::Bystander,
        }
    }
}

/// The name without its first folder.
pub(super) fn below_top(name: &str) -> &str {
    name.split_once('/').map_or(name, |(_, rest)| rest)
}
