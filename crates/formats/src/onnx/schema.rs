//! The messages of `onnx.proto3` (IR version 14): which fields each has, of
//! which wire type, once or many times.

use Holds::{Bytes, Fixed32, Fixed64, Message, Text, Varint};

use crate::wire::protobuf::Value;

/// A message type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Model,
    Opset,
    Entry,
    Training,
    Function,
    Graph,
    Node,
    Attribute,
    Tensor,
    Segment,
    SparseTensor,
    ValueInfo,
    Annotation,
    Type,
    TensorType,
    SequenceType,
    MapType,
    OpaqueType,
    Shape,
    Dimension,
    Device,
    NodeDevice,
    Sharding,
    ShardedDim,
    SimpleDim,
    IntInts,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    Varint,
    Fixed32,
    Fixed64,
    Bytes,
    Text,
    Message(Kind),
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Spec {
    pub(super) number: u32,
    pub(super) holds: Holds,
    pub(super) many: bool,
}

const fn one(number: u32, holds: Holds) -> Spec {
    Spec {
        number,
        holds,
        many: false,
    }
}

const fn many(number: u32, holds: Holds) -> Spec {
    Spec {
        number,
        holds,
        many: true,
    }
}

impl Kind {
    /// The name in the schema.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Model => "ModelProto",
            Self::Opset => "OperatorSetIdProto",
            Self::Entry => "StringStringEntryProto",
            Self::Training => "TrainingInfoProto",
            Self::Function => "FunctionProto",
            Self::Graph => "GraphProto",
            Self::Node => "NodeProto",
            Self::Attribute => "AttributeProto",
            Self::Tensor => "TensorProto",
            Self::Segment => "Segment",
            Self::SparseTensor => "SparseTensorProto",
            Self::ValueInfo => "ValueInfoProto",
            Self::Annotation => "TensorAnnotation",
            Self::Type => "TypeProto",
            Self::TensorType => "TypeProto.Tensor",
            Self::SequenceType => "TypeProto.Sequence",
            Self::MapType => "TypeProto.Map",
            Self::OpaqueType => "TypeProto.Opaque",
            Self::Shape => "TensorShapeProto",
            Self::Dimension => "Dimension",
            Self::Device => "DeviceConfigurationProto",
            Self::NodeDevice => "NodeDeviceConfigurationProto",
            Self::Sharding => "ShardingSpecProto",
            Self::ShardedDim => "ShardedDimProto",
            Self::SimpleDim => "SimpleShardedDimProto",
            Self::IntInts => "IntIntListEntryProto",
        }
    }

    pub(super) fn find(self, number: u32) -> Option<&'static Spec> {
        self.specs().iter().find(|spec| spec.number == number)
    }

    fn specs(self) -> &'static [Spec] {
        match self {
            Self::Model => {
                const {
                    &[
                        one(1, Varint),
                        one(2, Text),
                        one(3, Text),
                        one(4, Text),
                        one(5, Varint),
                        one(6, Text),
                        one(7, Message(Kind::Graph)),
                        many(8, Message(Kind::Opset)),
                        many(14, Message(Kind::Entry)),
                        many(20, Message(Kind::Training)),
                        many(25, Message(Kind::Function)),
                        many(26, Message(Kind::Device)),
                    ]
                }
            }
            Self::Opset => const { &[one(1, Text), one(2, Varint)] },
            Self::Entry | Self::OpaqueType => const { &[one(1, Text), one(2, Text)] },
            Self::Training => {
                const {
                    &[
                        one(1, Message(Kind::Graph)),
                        one(2, Message(Kind::Graph)),
                        many(3, Message(Kind::Entry)),
                        many(4, Message(Kind::Entry)),
                    ]
                }
            }
            Self::Function => {
                const {
                    &[
                        one(1, Text),
                        // Written by the first version of the message only.
                        one(2, Varint),
                        one(3, Varint),
                        many(4, Text),
                        many(5, Text),
                        many(6, Text),
                        many(7, Message(Kind::Node)),
                        one(8, Text),
                        many(9, Message(Kind::Opset)),
                        one(10, Text),
                        many(11, Message(Kind::Attribute)),
                        many(12, Message(Kind::ValueInfo)),
                        one(13, Text),
                        many(14, Message(Kind::Entry)),
                    ]
                }
            }
            Self::Graph => {
                const {
                    &[
                        many(1, Message(Kind::Node)),
                        one(2, Text),
                        many(5, Message(Kind::Tensor)),
                        one(10, Text),
                        many(11, Message(Kind::ValueInfo)),
                        many(12, Message(Kind::ValueInfo)),
                        many(13, Message(Kind::ValueInfo)),
                        many(14, Message(Kind::Annotation)),
                        many(15, Message(Kind::SparseTensor)),
                        many(16, Message(Kind::Entry)),
                    ]
                }
            }
            Self::Node => {
                const {
                    &[
                        many(1, Text),
                        many(2, Text),
                        one(3, Text),
                        one(4, Text),
                        many(5, Message(Kind::Attribute)),
                        one(6, Text),
                        one(7, Text),
                        one(8, Text),
                        many(9, Message(Kind::Entry)),
                        many(10, Message(Kind::NodeDevice)),
                    ]
                }
            }
            Self::Attribute => {
                const {
                    &[
                        one(1, Text),
                        one(2, Fixed32),
                        one(3, Varint),
                        one(4, Bytes),
                        one(5, Message(Kind::Tensor)),
                        one(6, Message(Kind::Graph)),
                        many(7, Fixed32),
                        many(8, Varint),
                        many(9, Bytes),
                        many(10, Message(Kind::Tensor)),
                        many(11, Message(Kind::Graph)),
                        one(13, Text),
                        one(14, Message(Kind::Type)),
                        many(15, Message(Kind::Type)),
                        one(20, Varint),
                        one(21, Text),
                        one(22, Message(Kind::SparseTensor)),
                        many(23, Message(Kind::SparseTensor)),
                    ]
                }
            }
            Self::Tensor => {
                const {
                    &[
                        many(1, Varint),
                        one(2, Varint),
                        one(3, Message(Kind::Segment)),
                        many(4, Fixed32),
                        many(5, Varint),
                        many(6, Bytes),
                        many(7, Varint),
                        one(8, Text),
                        one(9, Bytes),
                        many(10, Fixed64),
                        many(11, Varint),
                        one(12, Text),
                        many(13, Message(Kind::Entry)),
                        one(14, Varint),
                        many(16, Message(Kind::Entry)),
                    ]
                }
            }
            Self::SparseTensor => {
                const {
                    &[
                        one(1, Message(Kind::Tensor)),
                        one(2, Message(Kind::Tensor)),
                        many(3, Varint),
                    ]
                }
            }
            Self::ValueInfo => {
                const {
                    &[
                        one(1, Text),
                        one(2, Message(Kind::Type)),
                        one(3, Text),
                        many(4, Message(Kind::Entry)),
                    ]
                }
            }
            Self::Annotation => const { &[one(1, Text), many(2, Message(Kind::Entry))] },
            Self::Type => {
                const {
                    &[
                        one(1, Message(Kind::TensorType)),
                        one(4, Message(Kind::SequenceType)),
                        one(5, Message(Kind::MapType)),
                        one(6, Text),
                        one(7, Message(Kind::OpaqueType)),
                        one(8, Message(Kind::TensorType)),
                        one(9, Message(Kind::SequenceType)),
                    ]
                }
            }
            Self::TensorType => const { &[one(1, Varint), one(2, Message(Kind::Shape))] },
            Self::SequenceType => const { &[one(1, Message(Kind::Type))] },
            Self::MapType => const { &[one(1, Varint), one(2, Message(Kind::Type))] },
            Self::Shape => const { &[many(1, Message(Kind::Dimension))] },
            Self::Dimension => const { &[one(1, Varint), one(2, Text), one(3, Text)] },
            Self::Segment => const { &[one(1, Varint), one(2, Varint)] },
            Self::Device => const { &[one(1, Text), one(2, Varint), many(3, Text)] },
            Self::NodeDevice => {
                const {
                    &[
                        one(1, Text),
                        many(2, Message(Kind::Sharding)),
                        one(3, Varint),
                    ]
                }
            }
            Self::Sharding => {
                const {
                    &[
                        one(1, Text),
                        many(2, Varint),
                        many(3, Message(Kind::IntInts)),
                        many(4, Message(Kind::ShardedDim)),
                    ]
                }
            }
            Self::ShardedDim => const { &[one(1, Varint), many(2, Message(Kind::SimpleDim))] },
            Self::SimpleDim => const { &[one(1, Varint), one(2, Text), one(3, Varint)] },
            Self::IntInts => const { &[one(1, Varint), many(2, Varint)] },
        }
    }
}

impl Spec {
    /// Whether a value of this wire type may stand here.
    pub(super) fn takes(self, value: Value<'_>) -> bool {
        match (self.holds, value) {
            (Varint, Value::Varint(_))
            | (Fixed32, Value::Fixed32(_))
            | (Fixed64, Value::Fixed64(_))
            | (Bytes | Text | Message(_), Value::Bytes(_)) => true,
            // Repeated numbers may be packed.
            (Varint | Fixed32 | Fixed64, Value::Bytes(_)) => self.many,
            _ => false,
        }
    }
}
