using Pique.Models;
using Pique.Models.Generation;
using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Tests.Models.Llama;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Tests.Models.Families;

/// <summary>What LlamaModel computes for every family.</summary>
public class FamilyModelTests
{
    [Theory]
    [MemberData(nameof(FamilyModels.Names), MemberType = typeof(FamilyModels))]
    public void Logits_equal_the_formulas_written_out_in_double_precision(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using LlamaModel model = FamilyModels.Create(name);
        int tokenCount = Math.Min(14, model.ContextTokens);
        Tensor tokens = FamilyModels.Tokens(1, tokenCount);

        using Tensor logits = model.forward(tokens);

        Assert.InRange(LargestDifference(new LlamaReference(model).Logits(tokens[0].data<long>().ToArray()), logits), 0, 1e-4);
    }

    [Theory]
    [InlineData("mistral-window", 12)]
    [InlineData("qwen2-late-window", 10)]
    [InlineData("qwen3-window", 9)]
    public void The_context_ends_with_the_window_since_beyond_it_the_logits_differ(string name, int window)
    {
        using DisposeScope scope = NewDisposeScope();
        using LlamaModel model = FamilyModels.Create(name);
        Assert.Equal(window, model.ContextTokens);
        Assert.Equal(64, model.Config.ContextTokens);
        Tensor tokens = FamilyModels.Tokens(1, window + 4);

        Tensor logits = model.forward(tokens);

        double[][] windowed = new LlamaReference(model).Logits(tokens[0].data<long>().ToArray());
        Assert.InRange(LargestDifference(windowed[..window], logits), 0, 1e-4);
        Assert.InRange(LargestDifference(windowed, logits), 1e-2, double.PositiveInfinity);
    }

    [Theory]
    [MemberData(nameof(FamilyModels.Names), MemberType = typeof(FamilyModels))]
    public void Generation_with_a_cache_equals_the_whole_pass(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGradients = no_grad();
        using LlamaModel model = FamilyModels.Create(name);
        int[] prompt = [5, 250, 17, 101];
        GenerationOptions options = new() { MaxTokens = 20 };

        GeneratedSequence sequence = TokenGenerator.Generate(model, prompt, options, cancellationToken: TestContext.Current.CancellationToken);

        List<long> tokens = [.. prompt.Select(id => (long)id)];
        foreach (int generated in sequence.TokenIds)
        {
            Assert.Equal(model.forward(tensor(tokens.ToArray()).unsqueeze(0))[0, -1].argmax().ToInt64(), generated);
            tokens.Add(generated);
        }

        Assert.Equal(Math.Min(24, model.ContextTokens), tokens.Count);
        Assert.Equal(model.ContextTokens < 24 ? FinishReason.ContextFull : FinishReason.MaxTokens, sequence.FinishReason);
    }

    [Theory]
    [MemberData(nameof(FamilyModels.Names), MemberType = typeof(FamilyModels))]
    public void Logits_do_not_depend_on_the_cache_nor_on_left_padding(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using IDisposable noGradients = no_grad();
        using LlamaModel model = FamilyModels.Create(name);
        Tensor tokens = FamilyModels.Tokens(2, 9);
        using KeyValueCache cache = new([0, 3]);

        Tensor parts = cat([Part(0, 5), Part(5, 1), Part(6, 3)], 1);

        Assert.InRange(TinyLlama.LargestDifference(model.forward(tokens.narrow(0, 0, 1)), parts.narrow(0, 0, 1)), 0, 1e-4);
        Assert.InRange(TinyLlama.LargestDifference(model.forward(tokens.narrow(0, 1, 1).narrow(1, 3, 6)), parts.narrow(0, 1, 1).narrow(1, 3, 6)), 0, 1e-4);

        Tensor Part(long first, long count) => model.Logits(model.HiddenStates(tokens.narrow(1, first, count), cache));
    }

    [Theory]
    [InlineData("llama-attention-bias", "q_proj.weight [64, 64], q_proj.bias [64], k_proj.weight [32, 64], k_proj.bias [32], v_proj.weight [32, 64], v_proj.bias [32], o_proj.weight [64, 64], o_proj.bias [64]")]
    [InlineData("mistral", "q_proj.weight [64, 64], k_proj.weight [32, 64], v_proj.weight [32, 64], o_proj.weight [64, 64]")]
    [InlineData("qwen2-tied", "q_proj.weight [64, 64], q_proj.bias [64], k_proj.weight [32, 64], k_proj.bias [32], v_proj.weight [32, 64], v_proj.bias [32], o_proj.weight [64, 64]")]
    [InlineData("qwen3-tied", "q_proj.weight [128, 64], k_proj.weight [64, 64], v_proj.weight [64, 64], o_proj.weight [64, 128], q_norm.weight [32], k_norm.weight [32]")]
    [InlineData("qwen3-attention-bias", "q_proj.weight [32, 64], q_proj.bias [32], k_proj.weight [16, 64], k_proj.bias [16], v_proj.weight [16, 64], v_proj.bias [16], o_proj.weight [64, 32], o_proj.bias [64], q_norm.weight [8], k_norm.weight [8]")]
    public void Attention_has_the_parameters_of_the_familys_checkpoints(string name, string expected)
    {
        const string Prefix = "model.layers.1.self_attn.";
        using LlamaModel model = FamilyModels.Create(name);

        string found = string.Join(", ", model.named_parameters()
            .Where(entry => entry.name.StartsWith(Prefix, StringComparison.Ordinal))
            .Select(entry => $"{entry.name[Prefix.Length..]} [{string.Join(", ", entry.parameter.shape)}]"));

        Assert.Equal(expected, found);
    }

    [Theory]
    [MemberData(nameof(FamilyModels.Names), MemberType = typeof(FamilyModels))]
    public void Quantizable_layers_are_the_matrices_alone(string name)
    {
        using LlamaModel model = FamilyModels.Create(name);

        Assert.Equal(
            model.named_parameters().Where(entry => entry.parameter.dim() == 2).Select(entry => entry.name),
            model.QuantizableLayers.Select(entry => entry.Name + ".weight"));
    }

    [Theory]
    [InlineData("llama-attention-bias")]
    [InlineData("qwen2-tied")]
    [InlineData("qwen3-tied")]
    public void Gradients_of_biases_and_head_norms_agree_with_finite_differences(string name)
    {
        using DisposeScope scope = NewDisposeScope();
        using LlamaModel model = FamilyModels.Create(name);
        Tensor tokens = FamilyModels.Tokens(2, 9);
        Loss().backward();

        (string name, TorchSharp.Modules.Parameter parameter)[] vectors =
            [.. model.named_parameters().Where(entry => entry.name.EndsWith(".bias", StringComparison.Ordinal) || entry.name.Contains("_norm.", StringComparison.Ordinal))];
        Assert.NotEmpty(vectors);
        foreach ((string vector, TorchSharp.Modules.Parameter parameter) in vectors)
        {
            using IDisposable noGradients = no_grad();
            Tensor start = parameter.clone();
            double norm = parameter.grad!.norm().ToDouble();
            Tensor direction = parameter.grad!.div(norm);
            const double Step = 3e-2;
            double slope = (8 * (LossAt(Step) - LossAt(-Step)) - (LossAt(2 * Step) - LossAt(-2 * Step))) / (12 * Step);
            parameter.copy_(start);
            Assert.True(Math.Abs(slope - norm) <= 0.01 * norm, $"{vector}: finite difference {slope}, gradient {norm}");

            double LossAt(double distance)
            {
                parameter.copy_(start + direction * distance);
                return Loss().ToDouble();
            }
        }

        // Summed in float64: the differences would drown in float32's rounding.
        Tensor Loss() => model.forward(tokens).to(ScalarType.Float64).Squared().sin().mean();
    }

    [Theory]
    [InlineData("llama-attention-bias")]
    [InlineData("qwen3-tied")]
    public void A_pass_leaves_exactly_its_result_alive(string name)
    {
        using LlamaModel model = FamilyModels.Create(name);
        using Tensor tokens = FamilyModels.Tokens(2, 9);
        model.forward(tokens).Dispose(); // makes the rotary tables

        long before = DisposeScopeManager.Statistics.ThreadTotalLiveCount;
        using Tensor logits = model.forward(tokens);

        Assert.Equal(before + 1, DisposeScopeManager.Statistics.ThreadTotalLiveCount);
    }

    private static double LargestDifference(double[][] expected, Tensor logits)
    {
        float[] values = logits.data<float>().ToArray();
        return expected.SelectMany(row => row).Zip(values, (wanted, value) => Math.Abs(wanted - value)).Max();
    }
}
