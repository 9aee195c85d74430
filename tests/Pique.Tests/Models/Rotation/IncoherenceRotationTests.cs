using Pique.Models.Llama;
using Pique.Models.Rotation;
using Pique.Numerics;
using Pique.Tests.Models.Families;
using Pique.Tests.Models.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Models.Rotation;

public class IncoherenceRotationTests
{
    [Theory]
    [InlineData(1, true, 24, 8)]
    [InlineData(2, true, 24, 8)]
    [InlineData(2, false, 24, 12)]
    [InlineData(4, false, 24, 8)]
    [InlineData(2, true, 26, 6)] // no Hadamard matrices: random orthogonal ones
    public void Logits_stay_and_weights_change(int keyValueHeads, bool tied, int hiddenSize, int headSize)
    {
        using DisposeScope scope = NewDisposeScope();
        using LlamaModel model = TinyLlama.Create(TinyLlama.Config(keyValueHeads, tied) with { HiddenSize = hiddenSize, HeadSize = headSize });
        Tensor tokens = TinyLlama.Tokens(2, 17);
        Tensor before = model.forward(tokens);

        using LlamaModel rotated = IncoherenceRotation.Apply(model, seed: 4);

        Assert.True(TinyLlama.LargestDifference(before, rotated.forward(tokens)) <= 1e-4);
        Assert.Equal(0, TinyLlama.LargestDifference(before, model.forward(tokens)));
        Assert.Equal(model.Config with { TieWordEmbeddings = false }, rotated.Config);
        foreach ((string name, TorchSharp.Modules.Parameter parameter) in rotated.named_parameters())
        {
            if (parameter.dim() == 1)
                Assert.Equal(0, parameter.sub(1).abs().max().ToDouble());
            else if (model.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter).TryGetValue(name, out TorchSharp.Modules.Parameter? original))
                Assert.True(TinyLlama.LargestDifference(original, parameter) > 0.1, name);
        }
    }

    [Theory]
    [MemberData(nameof(FamilyModels.Names), MemberType = typeof(FamilyModels))]
    public void Every_family_keeps_its_logits(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using LlamaModel model = FamilyModels.Create(name);
        Tensor tokens = FamilyModels.Tokens(2, Math.Min(17, model.ContextTokens));

        using LlamaModel rotated = IncoherenceRotation.Apply(model, seed: 4);

        Assert.True(TinyLlama.LargestDifference(model.forward(tokens), rotated.forward(tokens)) <= 1e-4);
        Assert.Equal(model.Config with { TieWordEmbeddings = false }, rotated.Config);
        Dictionary<string, TorchSharp.Modules.Parameter> originals = model.named_parameters().ToDictionary(entry => entry.name, entry => entry.parameter);
        foreach ((string parameterName, TorchSharp.Modules.Parameter parameter) in rotated.named_parameters().Where(entry => originals.ContainsKey(entry.name)))
        {
            double difference = TinyLlama.LargestDifference(originals[parameterName], parameter);
            bool stays = parameterName.Contains("q_proj.bias", StringComparison.Ordinal) || parameterName.Contains("k_proj.bias", StringComparison.Ordinal)
                || parameterName.Contains("q_norm", StringComparison.Ordinal) || parameterName.Contains("k_norm", StringComparison.Ordinal);
            Assert.True(stays ? difference == 0 : difference > 0.1, $"{parameterName}: {difference}");
        }
    }

    [Fact]
    public void An_outlier_channel_is_spread_over_all()
    {
        using DisposeScope scope = NewDisposeScope();
        using LlamaModel model = TinyLlama.Create(TinyLlama.Config() with { HiddenSize = 64 });
        using (no_grad())
        {
            model.Backbone.Blocks[0].Attention.QueryProjection.Weight[TensorIndex.Colon, 5] = 20;
            model.Backbone.Blocks[0].Attention.ValueProjection.Weight[3] = 20;
        }

        using LlamaModel rotated = IncoherenceRotation.Apply(model, seed: 4);

        LlamaAttention before = model.Backbone.Blocks[0].Attention, after = rotated.Backbone.Blocks[0].Attention;
        Assert.True(Peak(after.QueryProjection.Weight) < 0.5 * Peak(before.QueryProjection.Weight));
        Assert.True(Peak(after.ValueProjection.Weight.norm(1)) < 0.5 * Peak(before.ValueProjection.Weight.norm(1)));

        static double Peak(Tensor weight) => weight.abs().max().ToDouble() / weight.Squared().mean().sqrt().ToDouble();
    }

    [Fact]
    public void Equal_seeds_give_equal_models_and_others_do_not()
    {
        using LlamaModel model = TinyLlama.Create();
        using LlamaModel first = IncoherenceRotation.Apply(model, 1), second = IncoherenceRotation.Apply(model, 1), third = IncoherenceRotation.Apply(model, 2);

        Assert.All(first.parameters().Zip(second.parameters()), pair => Assert.Equal(0, TinyLlama.LargestDifference(pair.First, pair.Second)));
        Assert.NotEqual(0, TinyLlama.LargestDifference(first.Head!.Weight, third.Head!.Weight));
    }

    [Fact]
    public void Where_no_hadamard_matrix_exists_the_log_says_so()
    {
        using LlamaModel model = TinyLlama.Create(TinyLlama.Config() with { HiddenSize = 26, LayerCount = 1 });
        MessageLogger logger = new();

        IncoherenceRotation.Apply(model, 1, logger).Dispose();

        Assert.Equal(["Rotation of the residual stream: no Hadamard matrix of order 26 can be built; a random orthogonal matrix stands in."], logger.Messages);
    }
}
