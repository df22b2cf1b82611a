//! The vocabulary of operators: ONNX's own (`ai.onnx`, `ai.onnx.ml` and the
//! fused and quantised ones of `com.microsoft`), and, for other frameworks, what
//! ONNX has no word for.

/// Declares the operators and their names at once.
macro_rules! vocabulary {
    ($($name:ident),* $(,)?) => {
        /// An operator's meaning, named as ONNX names it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Std {
            /// Nothing is known of it.
            Opaque,
            $($name),*
        }

        /// Sorted by name.
        static NAMES: &[(&str, Std)] = &[$((stringify!($name), Std::$name)),*];
    };
}

vocabulary! {
    Abs, Acos, Acosh, Add, AffineGrid, And, ArgMax, ArgMin, ArrayFeatureExtractor, Asin,
    Asinh, Assert, Atan, Atanh, Attention, AveragePool, BatchNormalization, BatchToSpace,
    BeamSearch, Bernoulli, BiasAdd, BiasDropout, BiasGelu, BiasSoftmax, BiasSplitGelu,
    BifurcationDetector, Binarizer, BitCast, BitShift, BitwiseAnd, BitwiseNot, BitwiseOr,
    BitwiseXor, BlackmanWindow, Cast, CastLike, CastMap, CategoryMapper,
    CausalConvWithState, Ceil, Celu, CenterCropPad, Clip, Col2Im, Compress, Concat,
    ConcatFromSequence, ConstantOfShape, Conv, ConvInteger, ConvTranspose,
    ConvTransposeWithDynamicPads, Cos, Cosh, CropAndResize, CropImage, CumProd, CumSum,
    DFT, DecoderAttention, DecoderMaskedMultiHeadAttention, DecoderMaskedSelfAttention,
    DeformConv, DepthToSpace, DequantizeLinear, Det, DictVectorizer, Div, Dropout,
    DynamicQuantizeLSTM, DynamicQuantizeLinear, DynamicQuantizeMatMul, DynamicTimeWarping,
    Einsum, Elementwise, Elu, EmbedLayerNormalization, Equal, Erf, Exp, Expand, ExpandDims,
    EyeLike, FastGelu, FeatureVectorizer, Fft, Fill, Flatten, Floor, FloorDiv, FloorMod,
    FusedConv, FusedGemm, FusedMatMul, GRU, GatedRelativePositionBias, Gather,
    GatherBlockQuantized, GatherElements, GatherND, Gelu, Gemm, GemmFastGelu, GemmFloat8,
    GlobalAveragePool, GlobalLpPool, GlobalMaxPool, Greater, GreaterOrEqual, GreedySearch,
    GridSample, GroupNorm, GroupNormalization, GroupQueryAttention, HammingWindow,
    HannWindow, HardSigmoid, HardSwish, Hardmax, HashTable, Identity, ImageDecoder,
    Imputer, InstanceNormalization, Inverse, Irfft, IsInf, IsNaN, LRN, LSTM, LabelEncoder,
    LayerNormalization, LeakyRelu, Less, LessOrEqual, LinearAttention, LinearClassifier,
    LinearRegressor, Log, LogSoftmax, LongformerAttention, Lookup, LpNormalization, LpPool,
    MatMul, MatMulBnb4, MatMulFpQ4, MatMulInteger, MatMulInteger16, MatMulIntegerToFloat,
    MatMulNBits, Max, MaxPool, MaxRoiPool, MaxUnpool, MaxpoolWithMask, Mean,
    MeanVarianceNormalization, MelWeightMatrix, Min, MirrorPad, Mish, MoE, Mod, Mul,
    MultiHeadAttention, Multinomial, MurmurHash3, NGramRepeatBlock, Neg,
    NegativeLogLikelihoodLoss, NhwcConv, NhwcFusedConv, NhwcMaxPool, NonMaxSuppression,
    NonZero, Normalizer, Not, OneHot, OneHotEncoder, Optional, OptionalGetElement,
    OptionalHasElement, Or, PRelu, PackedAttention, PackedMultiHeadAttention, Pad,
    PagedAttention, Pow, Print, QAttention, QEmbedLayerNormalization, QGemm, QLinearAdd,
    QLinearAveragePool, QLinearConcat, QLinearConv, QLinearGlobalAveragePool,
    QLinearLeakyRelu, QLinearMatMul, QLinearMul, QLinearReduceMean, QLinearSigmoid,
    QLinearSoftmax, QLinearWhere, QMoE, QOrderedAttention, QuantizeLinear, QuickGelu,
    RMSNormalization, RNN, RandomNormal, RandomNormalLike, RandomUniform,
    RandomUniformLike, Range, Reciprocal, ReduceL1, ReduceL2, ReduceLogSum,
    ReduceLogSumExp, ReduceMax, ReduceMean, ReduceMin, ReduceProd, ReduceSum,
    ReduceSumSquare, RegexFullMatch, RelativePositionBias, Relu, RemovePadding, Reshape,
    Resize, RestorePadding, ReverseSequence, Rfft, RoiAlign, RotaryEmbedding, Round, Rsqrt,
    STFT, SVMClassifier, SVMRegressor, Sampling, Scaler, Scatter, ScatterAdd,
    ScatterElements, ScatterND, SegmentSum, Selu, SequenceAt, SequenceConstruct,
    SequenceEmpty, SequenceErase, SequenceInsert, SequenceLength, SequenceMap, Shape,
    Shrink, Sigmoid, Sign, SimplifiedLayerNormalization, Sin, Sinh, Size, SkipGroupNorm,
    SkipLayerNormalization, SkipSimplifiedLayerNormalization, Slice, Softmax,
    SoftmaxCrossEntropyLoss, Softplus, Softsign, SpaceToBatch, SpaceToDepth,
    SparseAttention, Split, SplitToSequence, Sqrt, Square, SquaredDifference, Squeeze,
    Stack, StopGradient, StridedSlice, StringConcat, StringNormalizer, StringSplit, Sub,
    Sum, SwiGLU, Swish, Tan, Tanh, TensorScatter, TfIdfVectorizer, ThresholdedRelu, Tile,
    Tokenizer, TopK, TorchEmbedding, Transpose, TreeEnsemble, TreeEnsembleClassifier,
    TreeEnsembleRegressor, Trilu, UnfoldTensor, Unique, Unsqueeze, Unstack, Upsample,
    Variable, Where, WhisperBeamSearch, Xor, ZipMap,
}

impl Std {
    pub fn find(name: &str) -> Option<Self> {
        let index = NAMES
            .binary_search_by(|(known, _)| (*known).cmp(name))
            .ok()?;
        NAMES.get(index).map(|(_, std)| *std)
    }

    pub fn name(self) -> &'static str {
        let found = NAMES.iter().find(|(_, std)| *std == self);
        found.map_or("Opaque", |(name, _)| name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found() {
        for (name, std) in NAMES {
            assert_eq!(Std::find(name), Some(*std));
            assert_eq!(std.name(), *name);
        }
        assert_eq!(Std::find("Nonsense"), None);
    }
}
