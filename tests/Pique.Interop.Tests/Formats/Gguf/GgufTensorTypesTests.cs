using Pique.Formats.Gguf;
using Pique.Interop.Tests.Fixture;

namespace Pique.Interop.Tests.Formats.Gguf;

public sealed class GgufTensorTypesTests(LlamaCpp llamaCpp)
{
    [Fact]
    public void Numbers_names_and_blocks_are_those_of_ggml()
    {
        foreach (GgufTensorType type in Enum.GetValues<GgufTensorType>())
        {
            Assert.Equal(
                (llamaCpp.Blocks.Name(type).ToUpperInvariant(), llamaCpp.Blocks.BlockWeights(type), llamaCpp.Blocks.BlockBytes(type)),
                (type.Name(), type.BlockWeights(), type.BlockBytes()));
        }
    }
}
