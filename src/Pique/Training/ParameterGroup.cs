using static TorchSharp.torch;

namespace Pique.Training;

/// <summary>Parameters that share a learning rate and a weight decay.</summary>
/// <param name="Name">Name of the group.</param>
/// <param name="Parameters">Parameters by their checkpoint name.</param>
/// <param name="LearningRate">Base learning rate; the schedule multiplies it.</param>
/// <param name="WeightDecay">Decoupled weight decay; 0 for none.</param>
public sealed record ParameterGroup(string Name, IReadOnlyList<(string Name, Tensor Value)> Parameters, double LearningRate, double WeightDecay);
