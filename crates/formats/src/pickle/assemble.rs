//! Writes pickles for tests, instruction by instruction.

use super::opcode as op;

#[derive(Debug, Default, Clone)]
pub(super) struct Asm(Vec<u8>);

impl Asm {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn proto(number: u8) -> Self {
        Self(vec![op::PROTO, number])
    }

    /// Opcodes, or operands, as they are.
    pub(super) fn raw(mut self, bytes: impl AsRef<[u8]>) -> Self {
        self.0.extend(bytes.as_ref());
        self
    }

    pub(super) fn ops(self, codes: &[u8]) -> Self {
        self.raw(codes)
    }

    pub(super) fn text(self, text: &str) -> Self {
        let len = u32::try_from(text.len()).unwrap();
        self.raw([op::BINUNICODE]).raw(len.to_le_bytes()).raw(text)
    }

    pub(super) fn bytes(self, bytes: &[u8]) -> Self {
        let len = u32::try_from(bytes.len()).unwrap();
        self.raw([op::BINBYTES]).raw(len.to_le_bytes()).raw(bytes)
    }

    pub(super) fn int(self, value: i32) -> Self {
        self.raw([op::BININT]).raw(value.to_le_bytes())
    }

    pub(super) fn global(self, module: &str, name: &str) -> Self {
        self.raw(format!("c{module}\n{name}\n"))
    }

    /// Module, name and `STACK_GLOBAL`.
    pub(super) fn stack_global(self, module: &str, name: &str) -> Self {
        self.text(module).text(name).ops(&[op::STACK_GLOBAL])
    }

    /// Calls what is on top with one text.
    pub(super) fn call(self, argument: &str) -> Self {
        self.text(argument).ops(&[op::TUPLE1, op::REDUCE])
    }

    pub(super) fn memo(self, key: u8) -> Self {
        self.raw([op::BINPUT, key])
    }

    pub(super) fn get(self, key: u8) -> Self {
        self.raw([op::BINGET, key])
    }

    pub(super) fn stop(self) -> Vec<u8> {
        self.raw([op::STOP]).0
    }

    /// The instructions so far.
    pub(super) fn open(self) -> Vec<u8> {
        self.0
    }
}
