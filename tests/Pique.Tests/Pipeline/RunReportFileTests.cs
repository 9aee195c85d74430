using Pique.Configuration;
using Pique.Formats;
using Pique.Pipeline;
using Pique.Quantization;
using Pique.Tests.Reporting;

namespace Pique.Tests.Pipeline;

public sealed class RunReportFileTests : IDisposable
{
    private readonly TemporaryFolder _temporary = new();

    public void Dispose() => _temporary.Dispose();

    [Fact]
    public void A_step_that_was_passed_over_keeps_its_place_in_the_plot()
    {
        string skipped = Write("skipped", ["""{"step":1,"loss":3.0,"task_loss":3.0,"kd_loss":0,"reasoning_loss":0}""", """{"step":2,"loss":null,"task_loss":null,"kd_loss":0,"reasoning_loss":0}""", """{"step":3,"loss":2.0,"task_loss":2.0,"kd_loss":0,"reasoning_loss":0}"""]);
        string dropped = Write("dropped", ["""{"step":1,"loss":3.0,"task_loss":3.0,"kd_loss":0,"reasoning_loss":0}""", """{"step":2,"loss":2.0,"task_loss":2.0,"kd_loss":0,"reasoning_loss":0}"""]);

        Assert.Contains("<svg", skipped, StringComparison.Ordinal);
        Assert.NotEqual(dropped, skipped);
    }

    private string Write(string name, string[] metrics)
    {
        RunFolder folder = RunFolder.Open(_temporary.File(name), "{}", resume: false);
        File.WriteAllLines(folder.Of("metrics.jsonl"), metrics);
        using LoadedModel model = ModelLoader.Load(MicroData.WriteModel(_temporary, name + "-model"));

        string path = RunReportFile.Write(folder, new Recipe { Model = "model/" }, [Scores.Teacher, Scores.Trained], model.Model, new Dictionary<string, QuantizedTensor>());

        Assert.Equal(folder.Of("report.html"), path);
        return File.ReadAllText(path);
    }
}
