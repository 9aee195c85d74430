using Pique.Training;

namespace Pique.Tests.Training;

public sealed class MetricsWriterTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void What_is_written_is_read_back_to_the_last_bit_and_what_is_no_number_as_NaN()
    {
        StepMetrics first = Step(1) with { Loss = 0.1 + 0.2, HeldOutLoss = 1.0 / 3, PeakMemoryBytes = 123 }, second = Step(2) with { GradNorm = double.PositiveInfinity };
        using (MetricsWriter writer = MetricsWriter.Open(_folder.Path, 0))
        {
            writer.Write(first);
            writer.Write(second);
        }

        Assert.Equal([first, second with { GradNorm = double.NaN }], MetricsWriter.Read(_folder.Path));
    }

    [Theory]
    [InlineData("{\"step\":3,\"epo")]
    [InlineData("[]")]
    [InlineData("3")]
    [InlineData("{\"step\":\"three\"}")]
    [InlineData("{\"step\":0.5}")]
    [InlineData("")]
    public void A_damaged_line_and_all_after_it_are_dropped_on_resume(string damaged)
    {
        using (MetricsWriter writer = MetricsWriter.Open(_folder.Path, 0))
        {
            writer.Write(Step(1));
            writer.Write(Step(2));
        }

        string path = Path.Combine(_folder.Path, MetricsWriter.FileName);
        string[] whole = File.ReadAllLines(path);
        File.AppendAllText(path, damaged + "\n" + whole[1]);
        MetricsWriter.Open(_folder.Path, 9).Dispose();
        Assert.Equal(whole, File.ReadAllLines(path));
    }

    private static StepMetrics Step(int step) => new()
    {
        Step = step,
        Epoch = 1,
        Loss = 1,
        TaskLoss = 1,
        KdLoss = 0,
        ReasoningLoss = 0,
        GradNorm = 2,
        LearningRate = 1e-3,
        QuantizationStrength = 1,
        TokensPerSecond = 640,
        StepSeconds = 0.1,
    };
}
