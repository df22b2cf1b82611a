//! Which object a written name means to today's interpreter.
//!
//! `find_class` imports the module, then walks the name's dots attribute by
//! attribute, so `torch` + `serialization.os.system` reaches `os.system`: a
//! module's imports are its attributes. No package is at hand to look into;
//! what stands in for it is that an attribute called like a module of the
//! standard library is that module.

use super::compat;

/// Longest name kept.
const LONGEST: usize = 512;

/// The name that `module` and `name` resolve to.
pub(super) fn resolve(module: &str, name: &str) -> String {
    let module = clip(module);
    let name = clip(name);
    let (module, name) = match compat::modern(module, name) {
        Some(new) => new,
        None => (compat::modern_module(module).unwrap_or(module), name),
    };
    let mut path = module.to_owned();
    for part in name.split('.') {
        path = attribute(&path, part);
    }
    path
}

/// Today's name of a module.
pub(super) fn module(name: &str) -> String {
    let name = clip(name);
    compat::modern_module(name).unwrap_or(name).to_owned()
}

/// What `getattr(path, part)` is.
pub(super) fn attribute(path: &str, part: &str) -> String {
    match part {
        "__builtins__" => return "builtins".to_owned(),
        "__call__" | "__wrapped__" | "__func__" if path.contains('.') => return path.to_owned(),
        // A built-in function's `__self__` is its module.
        "__self__" if path.contains('.') => {
            return path
                .rsplit_once('.')
                .map_or(path, |(module, _)| module)
                .to_owned();
        }
        _ => {}
    }
    let top = path.split('.').next().unwrap_or(path);
    let is_module =
        |part: &str| STANDARD.contains(&part) || (SHARED.contains(&part) && !OWNERS.contains(&top));
    // Modules import others under a private name: `random._os`.
    for name in [part, part.strip_prefix('_').unwrap_or(part)] {
        if is_module(name) && path != name && !path.is_empty() {
            return name.to_owned();
        }
    }
    if path.len() > LONGEST {
        return format!("{}.?", clip(path));
    }
    format!("{path}.{}", clip(part))
}

fn clip(text: &str) -> &str {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    text.get(..end).unwrap_or_default()
}

/// Modules whose names no honest package gives to something else.
static STANDARD: &[&str] = &[
    "_ctypes",
    "_io",
    "_osx_support",
    "_pickle",
    "_posixsubprocess",
    "_socket",
    "_thread",
    "asyncio",
    "atexit",
    "bdb",
    "builtins",
    "cProfile",
    "codeop",
    "concurrent",
    "copyreg",
    "ctypes",
    "distutils",
    "ensurepip",
    "fileinput",
    "ftplib",
    "functools",
    "gc",
    "getpass",
    "glob",
    "imp",
    "importlib",
    "inspect",
    "itertools",
    "linecache",
    "marshal",
    "mmap",
    "multiprocessing",
    "nt",
    "ntpath",
    "os",
    "pathlib",
    "pdb",
    "pickle",
    "pip",
    "pkgutil",
    "posix",
    "posixpath",
    "pty",
    "pydoc",
    "requests",
    "runpy",
    "selectors",
    "shelve",
    "shlex",
    "shutil",
    "site",
    "smtplib",
    "socket",
    "socketserver",
    "sqlite3",
    "ssl",
    "subprocess",
    "sys",
    "sysconfig",
    "telnetlib",
    "tempfile",
    "threading",
    "timeit",
    "traceback",
    "urllib",
    "venv",
    "weakref",
    "webbrowser",
    "winreg",
    "xmlrpc",
    "zipimport",
];

/// Modules whose names some packages also give to a part of their own.
static SHARED: &[&str] = &[
    "ast",
    "code",
    "codecs",
    "collections",
    "contextlib",
    "copy",
    "io",
    "json",
    "logging",
    "operator",
    "platform",
    "profile",
    "random",
    "re",
    "signal",
    "struct",
    "tarfile",
    "test",
    "trace",
    "types",
    "typing",
    "unittest",
    "uuid",
    "warnings",
    "zipfile",
];

/// Packages that do.
static OWNERS: &[&str] = &[
    "IPython",
    "cv2",
    "dask",
    "jax",
    "keras",
    "matplotlib",
    "networkx",
    "numpy",
    "pandas",
    "pyarrow",
    "scipy",
    "skimage",
    "sklearn",
    "tensorflow",
    "tensorflow_core",
    "torchaudio",
    "torchvision",
    "tornado",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_python_2_are_modern_ones() {
        assert_eq!(resolve("__builtin__", "eval"), "builtins.eval");
        assert_eq!(resolve("urllib", "urlopen"), "urllib.request.urlopen");
        assert_eq!(
            resolve("copy_reg", "_reconstructor"),
            "copyreg._reconstructor"
        );
    }

    #[test]
    fn a_walk_through_a_modules_imports_ends_where_they_lead() {
        assert_eq!(resolve("torch", "serialization.os.system"), "os.system");
        assert_eq!(resolve("builtins", "eval.__call__"), "builtins.eval");
        assert_eq!(resolve("builtins", "print.__self__.exec"), "builtins.exec");
        assert_eq!(resolve("os", "path.join"), "os.path.join");
        assert_eq!(
            resolve("numpy", "random.RandomState"),
            "numpy.random.RandomState"
        );
    }
}
