using Pique.Configuration;
using Pique.Models.Llama;
using Pique.Quantization;
using TorchSharp;
using static TorchSharp.torch;

namespace Pique.Calibration;

/// <summary>Calibrates a model: looks at the samples, watches what enters the layers, chooses bits where a recipe leaves them open, finds scales and, by GPTQ, codes.</summary>
public sealed class CalibrationRun
{
    private readonly CalibrationRequest _request;
    private readonly LlamaModel _model;
    private readonly Recipe _recipe;
    private readonly CancellationToken _cancellation;
    private readonly List<string> _warnings = [];

    private CalibrationRun(CalibrationRequest request, CancellationToken cancellation)
    {
        _request = request;
        _model = request.Model;
        _recipe = request.Recipe;
        _cancellation = cancellation;
    }

    /// <summary>Calibrates. The model comes back as it was.</summary>
    /// <param name="request">What is to be calibrated.</param>
    /// <param name="clock">Gives the timestamp.</param>
    /// <param name="cancellationToken">Ends the work.</param>
    /// <returns>The artifact, owned by the caller.</returns>
    /// <exception cref="InputException">The method needs samples and there are none, the samples are poisoned, or a weight cannot be quantized.</exception>
    /// <exception cref="OperationCanceledException">The work was cancelled.</exception>
    public static CalibrationArtifact Run(CalibrationRequest request, TimeProvider clock, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        ArgumentNullException.ThrowIfNull(clock);
        if (request.Samples is null)
            RequireNoSamples(request);
        return new CalibrationRun(request, cancellationToken).Run(clock.GetUtcNow());
    }

    private static void RequireNoSamples(CalibrationRequest request)
    {
        if (request.Recipe.Calibration.Method == CalibrationMethod.Gptq)
            throw new InputException("calibration.method: \"gptq\" looks at what enters the layers, but there is no data. Give data, or choose rtn, percentile, mse or entropy.");
        if (request.AnalyzesSensitivity || QuantizationPolicy.From(request.Recipe).ChoosesBits)
            throw new InputException("calibration: the sensitivity of layers, and bits that are chosen by it, take data, but there is none. Give data, or state the bits.");
    }

    private CalibrationArtifact Run(DateTimeOffset timestamp)
    {
        using DisposeScope scope = NewDisposeScope();
        Dictionary<string, CalibratedActivation> activations = new(StringComparer.Ordinal);
        Dictionary<string, Tensor> importance = new(StringComparer.Ordinal);
        if (_request.Samples is { } samples)
            Watch(samples, activations, importance);

        QuantizationPolicy policy = QuantizationPolicy.From(_recipe);
        IReadOnlyList<LayerSensitivity> sensitivity = Analyze(policy, importance);
        if (policy.ChoosesBits)
            (policy, sensitivity) = ChooseBits(policy, sensitivity);
        (IReadOnlyList<KeyValuePair<string, CalibratedTensor>> tensors, IReadOnlyDictionary<string, Tensor>? rounded) = FindScales(policy, importance);
        return new()
        {
            Method = _recipe.Calibration.Method,
            Weighted = importance.Count > 0,
            Seed = _recipe.Training.Seed,
            Timestamp = timestamp,
            ModelDigest = _request.ModelDigest,
            DatasetDigest = _request.Samples?.Digest,
            SampleCounts = _request.Samples?.Counts ?? new Dictionary<DataDomain, int>(),
            Config = _recipe.Qat,
            ActivationBits = _recipe.ActivationBits,
            Tensors = tensors,
            Activations = [.. from layer in _model.QuantizableLayers where activations.ContainsKey(layer.Name) select KeyValuePair.Create(layer.Name, activations[layer.Name])],
            Sensitivity = sensitivity,
            Warnings = _warnings,
            RoundedWeights = rounded,
        };
    }

    /// <summary>Checks the samples and what they make of the layers' inputs.</summary>
    private void Watch(CalibrationSamples samples, Dictionary<string, CalibratedActivation> activations, Dictionary<string, Tensor> importance)
    {
        Take(SampleCheck.Check(samples.Records, samples.Tokenized));
        QuantizationPolicy policy = QuantizationPolicy.From(_recipe);
        IEnumerable<string> watched = from layer in _model.QuantizableLayers
                                      where policy.AutomaticOverride(layer.Name) is not null || policy.SpecFor(layer.Name) is not null
                                      select layer.Name;
        Dictionary<string, InputStatistics> statistics = ActivationPass.Run(
            _model, watched, samples, _recipe.ActivationBits, _recipe.Calibration.Percentile, _request.Progress, _cancellation);
        try
        {
            Take(statistics.Values.Distinct().SelectMany(item => item.Check.Findings()));
            Dictionary<InputStatistics, CalibratedActivation> summaries = statistics.Values.Distinct().ToDictionary(item => item, item => item.Summarize());
            foreach ((string name, InputStatistics item) in statistics)
            {
                activations.Add(name, summaries[item]);
                if (_recipe.Calibration.WeighsErrors)
                    importance.Add(name, item.MeanSquares());
            }
        }
        finally
        {
            foreach (InputStatistics item in statistics.Values)
                item.Dispose();
        }
    }

    private void Take(IEnumerable<CalibrationFinding> findings)
    {
        CalibrationFinding[] all = [.. findings];
        CalibrationFinding.ThrowIfFatal(all);
        _warnings.AddRange(all.Select(finding => finding.Message));
    }

    private IReadOnlyList<LayerSensitivity> Analyze(QuantizationPolicy policy, Dictionary<string, Tensor> importance)
    {
        (string Name, IQuantizableLayer Layer)[] layers = [.. _model.QuantizableLayers.Where(layer =>
            policy.AutomaticOverride(layer.Name) is not null || (_request.AnalyzesSensitivity && policy.SpecFor(layer.Name) is not null))];
        if (layers.Length == 0)
            return [];
        if (_request.MeasuredOn is { } rows && ReferenceEquals(rows, _request.Samples!.Rows))
            _warnings.Add("calibration samples: no record of the training data is left that is no sample, so the rise of the loss was measured on the samples themselves. Give more data, or lower calibration.samples.");
        WeightScales search = Search(_recipe.Calibration);
        return SensitivityAnalysis.Run(
            _model, layers, policy, (name, spec, weight) => search.Find(name, spec, weight, importance.GetValueOrDefault(name)), _request.Samples!.Rows, _request.MeasuredOn, _request.Progress, _cancellation);
    }

    /// <summary>Divides the average of every override over the layers it names, by the predicted losses: measured ones of single layers are lost in noise where they are small.</summary>
    private static (QuantizationPolicy Policy, IReadOnlyList<LayerSensitivity> Sensitivity) ChooseBits(QuantizationPolicy policy, IReadOnlyList<LayerSensitivity> sensitivity)
    {
        Dictionary<string, int> chosen = new(StringComparer.Ordinal);
        foreach (IGrouping<LayerOverride, LayerSensitivity> group in from layer in sensitivity
                                                                     let departure = policy.AutomaticOverride(layer.Name)
                                                                     where departure is not null
                                                                     group layer by departure)
        {
            LayerSensitivity[] layers = [.. group];
            IReadOnlyList<int> bits = BitAllocation.Choose([.. layers.Select(layer => (layer.WeightCount, (IReadOnlyList<double>)[.. layer.Costs.Select(cost => cost.PredictedNats)]))], group.Key.AverageBits!.Value);
            for (int index = 0; index < layers.Length; index++)
                chosen.Add(layers[index].Name, bits[index]);
        }

        return (policy.WithBits(chosen), [.. sensitivity.Select(layer => chosen.TryGetValue(layer.Name, out int bits) ? layer with { ChosenBits = bits, Average = BitAverage.Of(policy.AutomaticOverride(layer.Name)) } : layer)]);
    }

    private (IReadOnlyList<KeyValuePair<string, CalibratedTensor>> Tensors, IReadOnlyDictionary<string, Tensor>? Rounded) FindScales(QuantizationPolicy policy, Dictionary<string, Tensor> importance)
    {
        if (_recipe.Calibration.Method != CalibrationMethod.Gptq)
            return (WeightCalibration.ScalesOf(_model.QuantizableLayers, policy.SpecFor, Search(_recipe.Calibration), importance, _request.Stored), null);
        Dictionary<string, CalibratedTensor> taken = TakenOver(policy);
        IReadOnlyDictionary<string, RoundedWeight> rounded = GptqCalibration.Run(
            _model, name => taken.ContainsKey(name) ? null : policy.SpecFor(name), _recipe.Calibration, _recipe.ActivationBits, _request.Samples!, _request.Progress, _cancellation);
        List<KeyValuePair<string, CalibratedTensor>> tensors = [];
        foreach ((string name, IQuantizableLayer layer) in _model.QuantizableLayers)
        {
            if (taken.TryGetValue(name, out CalibratedTensor? stored))
                tensors.Add(new(name, stored));
            if (!rounded.TryGetValue(name, out RoundedWeight? weight))
                continue;
            CalibratedTensor described = WeightCalibration.Describe(name, policy.SpecFor(name)!, layer.Weight, weight.Latent, weight.Scales);
            tensors.Add(new(name, described with { OutputSqnrDecibels = double.IsFinite(weight.OutputSqnrDecibels) ? weight.OutputSqnrDecibels : null }));
            weight.Scales.Dispose();
        }

        // A weight that was rounded to nearest stays the model's own.
        Dictionary<string, Tensor> latents = new(StringComparer.Ordinal);
        foreach ((string name, RoundedWeight weight) in rounded)
        {
            if (double.IsNaN(weight.OutputSqnrDecibels))
                weight.Latent.Dispose();
            else
                latents.Add(name, weight.Latent);
        }

        return (tensors, latents.Count == 0 ? null : latents);
    }

    /// <summary>Weights that are stored on the very grid that is asked for: there is nothing left to round.</summary>
    private Dictionary<string, CalibratedTensor> TakenOver(QuantizationPolicy policy) =>
        (from layer in _model.QuantizableLayers
         let spec = policy.SpecFor(layer.Name)
         where spec is not null
         let stored = WeightCalibration.StoredScales(_request.Stored.GetValueOrDefault(layer.Name), spec)
         where stored is not null
         select KeyValuePair.Create(layer.Name, stored)).ToDictionary(StringComparer.Ordinal);

    private static WeightScales Search(CalibrationRecipe recipe) => new(recipe.Method, recipe.Percentile);
}
