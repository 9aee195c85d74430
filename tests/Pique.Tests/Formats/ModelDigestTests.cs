using System.Security.Cryptography;
using Pique.Formats;
using Pique.Models.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Formats;

public sealed class ModelDigestTests
{
    [Fact]
    public void The_digest_is_the_hash_of_names_shapes_and_values()
    {
        using TorchSharp.Modules.Linear module = nn.Linear(2, 1);
        using (no_grad())
        {
            module.weight!.copy_(tensor([1f, -2f]).view(1, 2));
            module.bias!.fill_(0.5f);
        }

        byte[] expected =
        [
            .. BitConverter.GetBytes(4L), .. "bias"u8, .. BitConverter.GetBytes(1L), .. BitConverter.GetBytes(1L), .. BitConverter.GetBytes(0.5f),
            .. BitConverter.GetBytes(6L), .. "weight"u8, .. BitConverter.GetBytes(2L), .. BitConverter.GetBytes(1L), .. BitConverter.GetBytes(2L), .. BitConverter.GetBytes(1f), .. BitConverter.GetBytes(-2f),
        ];
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(expected)), ModelDigest.Compute(module));
    }

    [Fact]
    public void One_changed_bit_changes_the_digest()
    {
        using LlamaModel model = TinyLlama.Create(TinyLlama.Tied);
        string before = ModelDigest.Compute(model);
        Assert.Equal(before, ModelDigest.Compute(model));

        using Tensor last = model.named_parameters().Last().parameter.detach().view(-1)[^1..];
        last.copy_(tensor(MathF.BitIncrement(last.item<float>())));

        Assert.NotEqual(before, ModelDigest.Compute(model));
    }

    [Fact]
    public void No_tensor_outlives_the_computation()
    {
        using LlamaModel model = TinyLlama.Create(TinyLlama.Tied);
        ModelDigest.Compute(model);
        using DisposeScope scope = NewDisposeScope();

        ModelDigest.Compute(model);

        Assert.Equal(0, scope.DisposablesCount);
    }
}
