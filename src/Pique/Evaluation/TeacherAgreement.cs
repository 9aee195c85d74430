namespace Pique.Evaluation;

/// <summary>How closely a student's next-token distributions follow its teacher's.</summary>
/// <param name="KlDivergence">Mean KL(teacher‖student) per token, nats.</param>
/// <param name="KlDivergence99">99th percentile of the same.</param>
/// <param name="Top1Agreement">Share of tokens at which both put the same token first.</param>
/// <param name="RmsDeltaProbability">Root mean square of the difference in the true token's probability.</param>
public sealed record TeacherAgreement(double KlDivergence, double KlDivergence99, double Top1Agreement, double RmsDeltaProbability);
