namespace Pique.Pipeline;

/// <summary>One step of a search for the learning rate.</summary>
/// <param name="LearningRate">Learning rate of the weights in this step.</param>
/// <param name="Loss">Loss before the step's update.</param>
/// <param name="SmoothedLoss">Running mean of the losses up to here.</param>
public sealed record LearningRatePoint(double LearningRate, double Loss, double SmoothedLoss);
