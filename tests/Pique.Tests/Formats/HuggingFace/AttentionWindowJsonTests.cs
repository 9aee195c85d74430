using Pique.Models.Llama;

namespace Pique.Tests.Formats.HuggingFace;

public class AttentionWindowJsonTests
{
    private const string On = """ "use_sliding_window":true """;
    private const string Full = "\"full_attention\"";
    private const string Sliding = "\"sliding_attention\"";

    [Theory]
    [InlineData("mistral", """ "sliding_window":8 """, 8, 0)]
    [InlineData("mistral", """ "sliding_window":null """, null, 0)]
    [InlineData("mistral", "", 4096, 0)] // transformers' default
    [InlineData("mistral", """ "sliding_window":8,"use_sliding_window":false,"max_window_layers":2 """, 8, 0)]
    [InlineData("llama", """ "sliding_window":8,"use_sliding_window":true """, null, 0)]
    [InlineData("qwen2", """ "sliding_window":8 """, null, 0)]
    [InlineData("qwen2", """ "sliding_window":8,"use_sliding_window":false,"max_window_layers":0 """, null, 0)]
    [InlineData("qwen2", $""" "sliding_window":8,"max_window_layers":0,{On} """, 8, 0)]
    [InlineData("qwen3", $""" "sliding_window":8,"max_window_layers":2,{On} """, 8, 2)]
    [InlineData("qwen3", $""" "sliding_window":8,"max_window_layers":3,{On} """, null, 0)] // no layer of three
    [InlineData("qwen3", $""" "sliding_window":8,{On} """, null, 0)] // transformers' default is layer 28
    [InlineData("qwen3", $""" "sliding_window":null,"max_window_layers":0,{On} """, null, 0)]
    [InlineData("qwen3", $""" "max_window_layers":0,{On} """, 4096, 0)] // transformers' default
    [InlineData("qwen2", $""" "sliding_window":8,"layer_types":[{Full},{Sliding},{Sliding}],{On} """, 8, 1)]
    [InlineData("qwen2", $""" "sliding_window":8,"max_window_layers":0,"layer_types":[{Full},{Full},{Full}],{On} """, null, 0)]
    [InlineData("qwen2", $""" "layer_types":[{Full},{Full},{Full}] """, null, 0)]
    [InlineData("mistral", $""" "sliding_window":8,"layer_types":[{Sliding},{Full},{Sliding}] """, 8, 0)]
    public void A_window_counts_where_transformers_computes_it(string modelType, string keys, int? window, int firstLayer)
    {
        LlamaConfig config = ConfigText.Read(ConfigText.Of(modelType, keys));

        Assert.Equal((window, firstLayer, 12), (config.SlidingWindow, config.FirstWindowedLayer, config.ContextTokens));
        Assert.Equal(Math.Min(12, window ?? 12), config.UsableContextTokens);
    }

    [Theory]
    [InlineData("mistral", """ "sliding_window":0 """, "sliding_window: found 0, expected a whole number of at least 1; use the config.json of the checkpoint.")]
    [InlineData("qwen2", """ "use_sliding_window":1 """, "use_sliding_window: found 1, expected true or false; use the config.json of the checkpoint.")]
    [InlineData("qwen2", $""" "sliding_window":8,"max_window_layers":-1,{On} """, "max_window_layers: found -1, expected a whole number of at least 0; use the config.json of the checkpoint.")]
    [InlineData("qwen2", $""" "layer_types":[{Full},{Sliding},{Sliding}] """, "layer_types: found \"sliding_attention\", expected \"full_attention\", since no window is on; Pique computes no other attention; choose another checkpoint.")]
    [InlineData("llama", $""" "layer_types":[{Full},"chunked_attention",{Full}] """, "layer_types: found \"chunked_attention\", expected \"full_attention\"; Pique computes no other attention; choose another checkpoint.")]
    [InlineData("qwen3", $""" "layer_types":[{Full},{Full}] """, "layer_types: found 2 entries, expected one for each of num_hidden_layers 3; use the config.json of the checkpoint.")]
    [InlineData("qwen3", $""" "layer_types":[{Full},1,{Full}] """, "layer_types: found [\"full_attention\",1,\"full_attention\"], expected an array of strings; use the config.json of the checkpoint.")]
    [InlineData("qwen3", $""" "layer_types":[{Sliding},{Full},{Sliding}],"sliding_window":8,{On} """, "layer_types: found [\"sliding_attention\",\"full_attention\",\"sliding_attention\"], expected every \"full_attention\" before the first \"sliding_attention\"; Pique knows no other order of layers; choose another checkpoint.")]
    public void What_contradicts_itself_or_is_not_known_is_refused(string modelType, string keys, string expected) =>
        Assert.Equal([expected], ConfigText.Faults(ConfigText.Of(modelType, keys)));
}
