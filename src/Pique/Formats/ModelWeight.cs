using Pique.Quantization;
using Pique.Quantization.Frozen;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace Pique.Formats;

/// <summary>A parameter of a model, read piece by piece whether it is held in float32 or frozen in fewer bytes.</summary>
/// <param name="Name">Checkpoint name.</param>
/// <param name="Shape">Sizes of the dimensions.</param>
/// <param name="Visit">Passes all values on in order, as float32.</param>
internal sealed record ModelWeight(string Name, long[] Shape, Action<TensorMemory.Visitor> Visit)
{
    /// <summary>The parameters of a model in its own order.</summary>
    /// <param name="model">Any module.</param>
    /// <param name="withAdapters">Whether frozen weights come with their adapters' updates, or as they were loaded.</param>
    /// <exception cref="InvalidOperationException">A layer was made without values and has been given none.</exception>
    public static IEnumerable<ModelWeight> Of(nn.Module model, bool withAdapters)
    {
        Dictionary<string, IQuantizableLayer> layers = model.named_modules()
            .Where(entry => entry.module is IQuantizableLayer { Frozen: not null })
            .ToDictionary(entry => entry.name + ".weight", entry => (IQuantizableLayer)entry.module, StringComparer.Ordinal);
        foreach ((string name, Parameter parameter) in model.named_parameters())
        {
            if (layers.TryGetValue(name, out IQuantizableLayer? layer))
                yield return new(name, parameter.shape, visit => VisitFrozen(layer.Frozen!, withAdapters, visit));
            else if (parameter.device_type == DeviceType.META)
                throw new InvalidOperationException($"{name}: has a shape and no values; give its layer a frozen weight.");
            else
                yield return new(name, parameter.shape, visit => VisitParameter(parameter, visit));
        }
    }

    private static void VisitParameter(Parameter parameter, TensorMemory.Visitor visit)
    {
        using DisposeScope scope = NewDisposeScope();
        TensorMemory.Visit(parameter.detach().to(ScalarType.Float32).cpu().contiguous(), visit);
    }

    private static void VisitFrozen(FrozenLayer layer, bool withAdapters, TensorMemory.Visitor visit)
    {
        bool isAdapted = withAdapters && layer.Adapter is not null;
        foreach ((long first, long count) in layer.Base.Pieces(isAdapted ? long.MaxValue : TensorMemory.PieceElements))
        {
            using DisposeScope scope = NewDisposeScope();
            Tensor rows = isAdapted ? layer.LatentWeight() : layer.Base.Materialize(first, count);
            TensorMemory.Visit(rows, (element, values) => visit((first * layer.Base.Columns) + element, values));
        }
    }
}
