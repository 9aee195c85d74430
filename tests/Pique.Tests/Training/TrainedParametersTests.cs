using Pique.Models.Llama;
using Pique.Tests.Models.Families;
using Pique.Training;

namespace Pique.Tests.Training;

public class TrainedParametersTests
{
    [Theory]
    [MemberData(nameof(FamilyModels.Names), MemberType = typeof(FamilyModels))]
    public void Matrices_decay_and_biases_and_norms_do_not(string name)
    {
        using LlamaModel model = FamilyModels.Create(name);

        IReadOnlyList<ParameterGroup> groups = TrainedParameters.Of(model).Groups(TinyRun.Options(null));

        string[] matrices = [.. model.QuantizableLayers.Select(layer => layer.Name + ".weight")];
        Assert.Equal([0.1, 0, 0], groups.Select(group => group.WeightDecay));
        Assert.Equal(matrices, groups[0].Parameters.Select(parameter => parameter.Name));
        Assert.Equal(model.named_parameters().Select(entry => entry.name).Except(matrices), groups[1].Parameters.Select(parameter => parameter.Name));
    }
}
