using Pique.Configuration;
using Pique.Data;
using Pique.Models.Llama;
using Pique.Numerics;
using Pique.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Calibration;

/// <summary>Second-order rounding of a whole model, block by block: what a layer sees while it is rounded has passed the layers before it as they were rounded.</summary>
/// <remarks>
/// GPTQ, Frantar et al. 2022, arXiv:2210.17323, section 4. Within a block, layers that read the same input are rounded together and one
/// such group after another, each on inputs that the rounded earlier ones give ("true sequential"). One second moment is held at a
/// time. Embeddings have no correlated inputs: they are rounded to nearest, before everything else.
/// </remarks>
internal sealed class GptqCalibration
{
    private readonly LlamaModel _model;
    private readonly CalibrationRecipe _recipe;
    private readonly int _activationBits;
    private readonly WeightScales _scales = new(CalibrationMethod.Mse);
    private readonly Dictionary<IQuantizableLayer, (string Name, WeightQuantizationSpec Spec)> _wanted;
    private readonly Dictionary<string, RoundedWeight> _rounded = new(StringComparer.Ordinal);
    private readonly List<IDisposable> _holds = [];

    private GptqCalibration(LlamaModel model, Func<string, WeightQuantizationSpec?> policy, CalibrationRecipe recipe, int activationBits)
    {
        _model = model;
        _recipe = recipe;
        _activationBits = activationBits;
        _wanted = (from entry in model.QuantizableLayers
                   let spec = policy(entry.Name)
                   where spec is not null
                   select (entry.Layer, entry.Name, spec)).ToDictionary(entry => entry.Layer, entry => (entry.Name, entry.spec));
    }

    /// <summary>Rounds every weight the policy names. The model comes back as it was.</summary>
    /// <param name="model">The model, in full precision.</param>
    /// <param name="policy">How each layer's weight is quantized; null leaves it out.</param>
    /// <param name="recipe">Damping, order and weighting.</param>
    /// <param name="activationBits">Bits of activations, used where the granularity is per token.</param>
    /// <param name="samples">Rows to run through the model.</param>
    /// <param name="progress">Told how far the work is; null for nobody.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>Rounded weights by layer name, owned by the caller.</returns>
    public static IReadOnlyDictionary<string, RoundedWeight> Run(
        LlamaModel model,
        Func<string, WeightQuantizationSpec?> policy,
        CalibrationRecipe recipe,
        int activationBits,
        CalibrationSamples samples,
        Action<CalibrationProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        GptqCalibration work = new(model, policy, recipe, activationBits);
        if (work._wanted.Count == 0)
            return work._rounded;
        TokenBatch[] batches = [.. samples.Rows.Batches(epoch: 0)];
        Tensor[] places = [.. batches.Select(TokenPlaces.Of)];
        try
        {
            work.RoundAll(batches, places, progress, cancellationToken);
            return work._rounded;
        }
        catch
        {
            foreach (RoundedWeight rounded in work._rounded.Values)
                rounded.Dispose();
            throw;
        }
        finally
        {
            work._holds.ForEach(hold => hold.Dispose());
            ModelQuantizer.Remove([.. work._wanted.Select(entry => (entry.Value.Name, entry.Key))]);
            foreach (IDisposable item in batches.Concat<IDisposable>(places))
                item.Dispose();
        }
    }

    private void RoundAll(TokenBatch[] batches, Tensor[] places, Action<CalibrationProgress>? progress, CancellationToken cancellationToken)
    {
        foreach ((IQuantizableLayer layer, (string name, WeightQuantizationSpec spec)) in _wanted)
        {
            if (layer is not QuantizedLinear)
                RoundToNearest(layer, name, spec);
        }

        using BlockwisePass pass = new(_model, [.. batches.Select(batch => batch.Inputs)]);
        IReadOnlyList<LlamaBlock> blocks = _model.Backbone.Blocks;
        for (int index = 0; index < blocks.Count; index++)
        {
            LlamaBlock block = blocks[index];
            QuantizedLinear[] linears = [.. block.modules().OfType<QuantizedLinear>().Where(_wanted.ContainsKey)];
            foreach (IReadOnlyList<QuantizedLinear> readers in InputGroups(linears, () => pass.Run(block, 0)))
                RoundGroup(readers, batch => pass.Run(block, batch), places, cancellationToken);
            pass.Advance(block);
            progress?.Invoke(new(CalibrationStage.Rounding, index + 1, blocks.Count));
        }

        if (_model.Head is { } head && _wanted.ContainsKey(head))
            RoundGroup([head], pass.RunHead, places, cancellationToken);
    }

    /// <summary>Layers by the input they read, in the order in which a forward pass reaches them.</summary>
    private static List<List<QuantizedLinear>> InputGroups(QuantizedLinear[] linears, Action run)
    {
        List<(Tensor Input, List<QuantizedLinear> Readers)> groups = [];
        foreach (QuantizedLinear linear in linears)
        {
            linear.InputObserver = input =>
            {
                if (groups.Count == 0 || !ReferenceEquals(groups[^1].Input, input))
                    groups.Add((input, []));
                groups[^1].Readers.Add(linear);
            };
        }

        try
        {
            run();
        }
        finally
        {
            foreach (QuantizedLinear linear in linears)
                linear.InputObserver = null;
        }

        return [.. groups.Select(group => group.Readers)];
    }

    private void RoundGroup(IReadOnlyList<QuantizedLinear> readers, Action<int> run, Tensor[] places, CancellationToken cancellationToken)
    {
        using DisposeScope scope = NewDisposeScope();
        Tensor secondMoment = SecondMoment(readers[0], run, places, cancellationToken);
        foreach (QuantizedLinear linear in readers)
        {
            (string name, WeightQuantizationSpec spec) = _wanted[linear];
            Attach(linear, name, spec, Round(linear.Weight, name, spec, secondMoment));
        }
    }

    private static Tensor SecondMoment(QuantizedLinear linear, Action<int> run, Tensor[] places, CancellationToken cancellationToken)
    {
        using InputSecondMoment moment = new(linear.Weight.shape[1]);
        int batch = 0;
        linear.InputObserver = input =>
        {
            using DisposeScope scope = NewDisposeScope();
            moment.Add(TokenPlaces.Select(input, places[batch]));
        };
        try
        {
            for (; batch < places.Length; batch++)
            {
                cancellationToken.ThrowIfCancellationRequested();
                run(batch);
            }
        }
        finally
        {
            linear.InputObserver = null;
        }

        return moment.Mean();
    }

    private RoundedWeight Round(Tensor weight, string name, WeightQuantizationSpec spec, Tensor secondMoment)
    {
        using DisposeScope scope = NewDisposeScope();
        GroupLayout layout = GroupLayout.For(spec.Granularity, weight.shape[0], weight.shape[1]);
        Tensor? importance = _recipe.WeighsErrors ? secondMoment.diagonal() : null;
        GroupScales scales = _scales.Find(name, spec, weight, importance);
        Tensor latent = SecondOrderRounding.Round(weight, secondMoment, layout, spec.Grid, scales, _recipe.Damping, _recipe.ActivationOrder);
        using FakeQuantizer quantizer = FakeQuantizer.Create(name, spec, latent, scales);
        (double error, double output) = SecondOrderRounding.OutputError(weight, quantizer.Quantize(latent).Dequantize(), secondMoment);
        return new(latent.DetachFromDisposeScope(), Detached(scales), 10 * Math.Log10(output / error));
    }

    private void RoundToNearest(IQuantizableLayer layer, string name, WeightQuantizationSpec spec)
    {
        using IDisposable noGradient = no_grad();
        using DisposeScope scope = NewDisposeScope();
        GroupScales scales = _scales.Find(name, spec, layer.Weight, importance: null);
        Attach(layer, name, spec, new(layer.Weight.detach().clone().DetachFromDisposeScope(), Detached(scales), double.NaN));
    }

    private void Attach(IQuantizableLayer layer, string name, WeightQuantizationSpec spec, RoundedWeight rounded)
    {
        _rounded.Add(name, rounded);
        FakeQuantizer quantizer = FakeQuantizer.Create(name, spec, rounded.Latent, rounded.Scales);
        layer.WeightQuantizer = quantizer;
        _holds.Add(quantizer.Hold(rounded.Latent));
        if (layer is QuantizedLinear linear && spec.Granularity is QuantGranularity.PerToken)
            linear.ActivationQuantizer = new ActivationFakeQuantizer(_activationBits);
    }

    private static GroupScales Detached(GroupScales scales) => new(scales.Scales.DetachFromDisposeScope(), scales.ZeroPoints?.DetachFromDisposeScope());
}
