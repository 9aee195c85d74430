using Pique.Calibration;
using Pique.Reporting;

namespace Pique.Tests.Reporting;

public sealed class SensitivityPlotTests
{
    private static readonly LayerSensitivity[] Layers =
    [
        new("layers.0.up", 1024, [new(2, 0.01, 0.012), new(3, 0.002, -0.0001)]) { ChosenBits = 3 },
        new("layers.0.down", 65_536, [new(2, 0.4, 0.5), new(3, 0.1, 0.2)]),
    ];

    [Fact]
    public void The_table_shows_predicted_beside_measured_losses_and_the_choice()
    {
        Assert.Equal("Rise of the loss at each bit width, thousandths of a nat per token: predicted / measured.", SensitivityTable.Caption(Layers));
        Assert.Equal(["layer", "weights", "2 bits", "3 bits", "chosen"], SensitivityTable.Header(Layers));
        Assert.Equal(
            [["layers.0.up", "1,024", "10.00 / 12.00", "2.00 / -0.10", "3"], ["layers.0.down", "65,536", "400.00 / 500.00", "100.00 / 200.00", "–"]],
            SensitivityTable.Rows(Layers));
    }

    [Fact]
    public void The_table_leaves_out_what_was_not_measured_or_chosen()
    {
        LayerSensitivity[] layers = [new("up", 8, [new(2, 0.5), new(4, 0.25)])];
        Assert.Equal("Rise of the loss at each bit width, thousandths of a nat per token: predicted.", SensitivityTable.Caption(layers));
        Assert.Equal(["layer", "weights", "2 bits", "4 bits"], SensitivityTable.Header(layers));
        Assert.Equal([["up", "8", "500.00", "250.00"]], SensitivityTable.Rows(layers));
    }

    [Fact]
    public void The_plot_names_layers_and_widths_and_is_the_same_each_time()
    {
        string svg = SensitivityPlot.Draw(Layers);
        Assert.StartsWith("<svg", svg, StringComparison.Ordinal);
        Assert.All(["layers.0.up", "layers.0.down", "2 bits", "3 bits", "rise of the loss, nats per token"], text => Assert.Contains(text, svg, StringComparison.Ordinal));
        Assert.Equal(svg, SensitivityPlot.Draw(Layers));
        Assert.NotEqual(svg, SensitivityPlot.Draw([.. Layers.Select(layer => layer with { ChosenBits = null })]));
        Assert.NotEqual(svg, SensitivityPlot.Draw([.. Layers.Select(layer => layer with { Costs = [.. layer.Costs.Select(cost => cost with { MeasuredNats = null })] })]));
    }

    [Fact]
    public void Losses_that_are_no_numbers_are_drawn_all_the_same() =>
        Assert.StartsWith("<svg", SensitivityPlot.Draw([new("up", 8, [new(2, double.NaN), new(4, double.PositiveInfinity)])]), StringComparison.Ordinal);
}
