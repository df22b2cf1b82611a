//! What operators do to their operands, said once for the vocabulary: which
//! operands control what comes from the others, which hold weights, and what
//! an operator leaves of a value.
//!
//! An operand is *control* when it can rescale, relocate, truncate, select or
//! replace what the others carry. It is a property of the operator's meaning,
//! so a signal acts through it whatever it was computed from.

use super::Std;

/// What an operator leaves of its operand's values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The same values, elsewhere or of another type.
    Keep,
    /// Arithmetic of two or more, each of which can change the others.
    Arithmetic,
    /// True or false.
    Test,
    Logic,
    /// One of its operands.
    Select,
    /// Between two bounds, whatever comes in.
    Squash,
    /// Zero below a point, or held between two.
    Rectify,
    /// Whole numbers, or signs.
    Step,
    /// Grows faster than any power, or has a pole.
    Grow,
    /// Another smooth function.
    Smooth,
    Reduce,
    /// Products summed over an axis; learned when one side is weights.
    Contract,
    Normalize,
    /// Positions or counts.
    Index,
    Random,
    /// Reads the shape only.
    Shape,
    /// Its first operand is a shape.
    Fill,
    Tree,
    /// Anything else with numbers.
    Other,
    /// Strings, sequences, files: not arithmetic.
    Foreign,
    Opaque,
}

impl Std {
    pub fn class(self) -> Class {
        #[allow(clippy::enum_glob_use, reason = "a table of operators")]
        use Std::*;
        match self {
            Opaque => Class::Opaque,
            Identity
            | Reshape
            | Squeeze
            | Unsqueeze
            | ExpandDims
            | Transpose
            | Flatten
            | Expand
            | Tile
            | Cast
            | CastLike
            | Dropout
            | Neg
            | Concat
            | Slice
            | Gather
            | GatherElements
            | GatherND
            | Split
            | DepthToSpace
            | SpaceToDepth
            | Pad
            | MirrorPad
            | DequantizeLinear
            | QuantizeLinear
            | Compress
            | ReverseSequence
            | Trilu
            | StridedSlice
            | Stack
            | Unstack
            | StopGradient
            | ArrayFeatureExtractor
            | CenterCropPad
            | BitCast
            | QLinearConcat
            | BatchToSpace
            | SpaceToBatch
            | Resize
            | Upsample
            | GridSample
            | CropImage
            | CropAndResize
            | GatherBlockQuantized
            | UnfoldTensor
            | Col2Im
            | ScatterND
            | ScatterElements
            | Scatter
            | TensorScatter
            | MaxUnpool
            | RemovePadding
            | RestorePadding
            | FeatureVectorizer => Class::Keep,
            Add | Sub | Mul | Div | Pow | Max | Min | Mod | Sum | Mean | BitShift | PRelu
            | BiasAdd | FloorDiv | FloorMod | SquaredDifference | QLinearAdd | QLinearMul
            | Elementwise => Class::Arithmetic,
            Equal | Greater | Less | GreaterOrEqual | LessOrEqual | IsNaN | IsInf | Binarizer
            | OptionalHasElement | RegexFullMatch => Class::Test,
            And | Or | Not | Xor | BitwiseAnd | BitwiseOr | BitwiseNot | BitwiseXor => Class::Logic,
            Where | QLinearWhere => Class::Select,
            Sigmoid | HardSigmoid | Softmax | Hardmax | Tanh | Softsign | Erf | Atan | Sin
            | Cos | BiasSoftmax | QLinearSigmoid | QLinearSoftmax => Class::Squash,
            Relu | Clip | ThresholdedRelu | Shrink => Class::Rectify,
            Sign | Floor | Ceil | Round => Class::Step,
            Exp | Reciprocal | Rsqrt | Tan | Sinh | Cosh | Atanh => Class::Grow,
            Abs | Sqrt | Log | Square | Softplus | Elu | Celu | Selu | LeakyRelu | Gelu | Mish
            | HardSwish | Swish | SwiGLU | FastGelu | QuickGelu | BiasGelu | BiasSplitGelu
            | Acos | Acosh | Asin | Asinh | LogSoftmax | QLinearLeakyRelu | Imputer | Scaler => {
                Class::Smooth
            }
            ReduceSum
            | ReduceMean
            | ReduceMax
            | ReduceMin
            | ReduceProd
            | ReduceL1
            | ReduceL2
            | ReduceSumSquare
            | ReduceLogSum
            | ReduceLogSumExp
            | GlobalAveragePool
            | GlobalMaxPool
            | GlobalLpPool
            | MaxPool
            | AveragePool
            | LpPool
            | QLinearReduceMean
            | QLinearAveragePool
            | QLinearGlobalAveragePool
            | NhwcMaxPool
            | RoiAlign
            | MaxRoiPool
            | MaxpoolWithMask
            | SegmentSum
            | Det => Class::Reduce,
            Conv
            | ConvTranspose
            | ConvInteger
            | QLinearConv
            | Gemm
            | MatMul
            | MatMulInteger
            | QLinearMatMul
            | LSTM
            | GRU
            | RNN
            | DeformConv
            | Einsum
            | FusedConv
            | MatMulNBits
            | MatMulBnb4
            | MatMulFpQ4
            | FusedMatMul
            | QGemm
            | DynamicQuantizeMatMul
            | MatMulIntegerToFloat
            | MatMulInteger16
            | FusedGemm
            | GemmFastGelu
            | GemmFloat8
            | NhwcConv
            | NhwcFusedConv
            | DynamicQuantizeLSTM
            | ConvTransposeWithDynamicPads
            | Attention
            | MultiHeadAttention
            | GroupQueryAttention
            | QAttention
            | PackedAttention
            | PackedMultiHeadAttention
            | DecoderAttention
            | DecoderMaskedMultiHeadAttention
            | DecoderMaskedSelfAttention
            | SparseAttention
            | PagedAttention
            | LongformerAttention
            | QOrderedAttention
            | LinearAttention
            | CausalConvWithState
            | MoE
            | QMoE
            | EmbedLayerNormalization
            | QEmbedLayerNormalization
            | TorchEmbedding
            | RelativePositionBias
            | GatedRelativePositionBias
            | DFT
            | STFT
            | Rfft
            | Irfft
            | Fft
            | Inverse => Class::Contract,
            BatchNormalization
            | LayerNormalization
            | InstanceNormalization
            | GroupNormalization
            | LpNormalization
            | LRN
            | MeanVarianceNormalization
            | RMSNormalization
            | SkipLayerNormalization
            | SkipSimplifiedLayerNormalization
            | SimplifiedLayerNormalization
            | SkipGroupNorm
            | GroupNorm
            | Normalizer
            | RotaryEmbedding => Class::Normalize,
            ArgMax | ArgMin | NonZero | CumSum | CumProd | OneHot | TopK | NonMaxSuppression
            | Unique | TfIdfVectorizer | LabelEncoder | CategoryMapper | OneHotEncoder
            | MurmurHash3 | Lookup | DictVectorizer | BifurcationDetector | NGramRepeatBlock
            | DynamicTimeWarping => Class::Index,
            RandomNormal | RandomNormalLike | RandomUniform | RandomUniformLike | Bernoulli
            | Multinomial | Sampling => Class::Random,
            Shape | Size | SequenceLength | EyeLike => Class::Shape,
            ConstantOfShape | Range | Fill | AffineGrid | BlackmanWindow | HannWindow
            | HammingWindow | MelWeightMatrix => Class::Fill,
            TreeEnsemble
            | TreeEnsembleClassifier
            | TreeEnsembleRegressor
            | SVMClassifier
            | SVMRegressor
            | LinearClassifier
            | LinearRegressor => Class::Tree,
            StringConcat | StringNormalizer | StringSplit | Tokenizer | ImageDecoder | Print
            | Assert | Variable | HashTable | CastMap | ZipMap | SequenceMap
            | ConcatFromSequence | SequenceAt | SequenceConstruct | SequenceEmpty
            | SequenceErase | SequenceInsert | SplitToSequence | Optional | OptionalGetElement => {
                Class::Foreign
            }
            _ => Class::Other,
        }
    }

    /// Operands that control the others. For operators whose operands change
    /// each other alike, see [`Std::is_mutual`].
    pub fn controls(self) -> &'static [usize] {
        #[allow(clippy::enum_glob_use, reason = "a table of operators")]
        use Std::*;
        match self {
            Where => &[0],
            QLinearWhere => &[0, 2, 3, 5, 6, 7, 8],
            Gather
            | GatherElements
            | GatherND
            | Compress
            | Tile
            | Expand
            | Reshape
            | Squeeze
            | Unsqueeze
            | ExpandDims
            | Split
            | TopK
            | CumSum
            | CumProd
            | Trilu
            | PRelu
            | ReverseSequence
            | GridSample
            | AffineGrid
            | Upsample
            | SequenceAt
            | CenterCropPad
            | MaxRoiPool
            | ReduceSum
            | ReduceMean
            | ReduceMax
            | ReduceMin
            | ReduceProd
            | ReduceL1
            | ReduceL2
            | ReduceSumSquare
            | ReduceLogSum
            | ReduceLogSumExp
            | BitShift
            | Fill
            | ArrayFeatureExtractor
            | SequenceErase
            | Multinomial
            | MirrorPad
            | SplitToSequence => &[1],
            ScatterND
            | ScatterElements
            | Scatter
            | TensorScatter
            | Clip
            | DequantizeLinear
            | QuantizeLinear
            | LayerNormalization
            | InstanceNormalization
            | GroupNormalization
            | RMSNormalization
            | SimplifiedLayerNormalization
            | OneHot
            | Dropout
            | RoiAlign
            | Conv
            | ConvTranspose
            | NhwcConv
            | FusedConv
            | NhwcFusedConv
            | MaxUnpool
            | DFT
            | SequenceInsert
            | GatherBlockQuantized => &[1, 2],
            Pad | Resize | STFT | CropAndResize | ScatterAdd => &[1, 2, 3],
            Slice | BatchNormalization | DeformConv | StridedSlice => &[1, 2, 3, 4],
            NonMaxSuppression => &[2, 3, 4],
            Range => &[0, 1, 2],
            ConstantOfShape => &[0],
            MatMulInteger | ConvInteger => &[2, 3],
            LSTM | GRU | RNN => &[1, 2, 3, 4, 5, 6, 7],
            QLinearConv | QLinearMatMul | QLinearAdd | QLinearMul => &[1, 2, 4, 5, 6, 7],
            SkipLayerNormalization | SkipSimplifiedLayerNormalization => &[2, 3, 4],
            // The mask; key and value change each other.
            Attention => &[3],
            MultiHeadAttention => &[3, 4, 5],
            QAttention => &[3, 4, 5, 6, 7],
            _ => &[],
        }
    }

    /// Each operand can change what the others carry.
    pub fn is_mutual(self) -> bool {
        #[allow(clippy::enum_glob_use, reason = "a table of operators")]
        use Std::*;
        matches!(
            self,
            Add | Sub
                | Mul
                | Div
                | Pow
                | Max
                | Min
                | Mod
                | Sum
                | Mean
                | MatMul
                | FusedMatMul
                | Gemm
                | FusedGemm
                | Einsum
                | BiasAdd
                | BiasGelu
                | FloorDiv
                | FloorMod
                | SquaredDifference
                | QLinearAdd
                | QLinearMul
                | BitwiseAnd
                | BitwiseOr
                | BitwiseXor
                | SkipLayerNormalization
                | SkipSimplifiedLayerNormalization
                | Elementwise
                | MatMulInteger
        )
    }

    /// Whether a constant operand of many different values makes it a learned
    /// layer.
    pub fn learns(self) -> bool {
        #[allow(clippy::enum_glob_use, reason = "a table of operators")]
        use Std::*;
        self.class() == Class::Contract
            && !matches!(self, DFT | STFT | Rfft | Irfft | Fft | Inverse)
            || matches!(self, Gather | GatherBlockQuantized)
    }

    /// Where a learned layer's weights stand, when only there: a table that is
    /// looked up.
    pub fn is_lookup(self) -> bool {
        matches!(self, Self::Gather | Self::GatherBlockQuantized)
    }

    /// The first output is shaped as the first operand.
    pub fn keeps_shape(self) -> bool {
        #[allow(clippy::enum_glob_use, reason = "a table of operators")]
        use Std::*;
        match self.class() {
            Class::Squash | Class::Rectify | Class::Step | Class::Grow | Class::Smooth => {
                !matches!(self, SwiGLU | BiasSplitGelu)
            }
            Class::Test => !matches!(self, OptionalHasElement | RegexFullMatch),
            Class::Normalize => true,
            _ => matches!(
                self,
                Identity
                    | Neg
                    | Not
                    | BitwiseNot
                    | Cast
                    | CastLike
                    | BitCast
                    | CumSum
                    | CumProd
                    | Trilu
                    | ReverseSequence
                    | PRelu
                    | ScatterND
                    | ScatterElements
                    | Scatter
                    | TensorScatter
                    | DequantizeLinear
                    | QuantizeLinear
                    | RandomNormalLike
                    | RandomUniformLike
                    | Bernoulli
                    | EyeLike
                    | StopGradient
                    | QLinearAdd
                    | QLinearMul
                    | QLinearLeakyRelu
                    | BiasGelu
                    | BiasSoftmax
                    | Elementwise
            ),
        }
    }

    /// The second operand says how large the result is to be, and nothing else.
    pub fn is_sized(self) -> bool {
        matches!(self, Self::Expand | Self::Tile | Self::Reshape | Self::Fill)
    }

    /// The same values at other places: what is reached through such is the
    /// same thing.
    pub fn is_layout(self) -> bool {
        #[allow(clippy::enum_glob_use, reason = "a table of operators")]
        use Std::*;
        matches!(
            self,
            Identity
                | Reshape
                | Squeeze
                | Unsqueeze
                | ExpandDims
                | Transpose
                | Flatten
                | Expand
                | Tile
                | Cast
                | CastLike
                | Dropout
                | Slice
                | Gather
                | Split
                | DepthToSpace
                | SpaceToDepth
                | Pad
                | DequantizeLinear
                | QuantizeLinear
                | StopGradient
        )
    }
}
