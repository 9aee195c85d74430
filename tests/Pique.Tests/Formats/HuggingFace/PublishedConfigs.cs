namespace Pique.Tests.Formats.HuggingFace;

/// <summary>The config.json of published checkpoints with every key of theirs; only the numbers of a shape are smaller.</summary>
internal static class PublishedConfigs
{
    /// <summary>Llama-2-7b-hf.</summary>
    public const string Llama2 = """
        {"_name_or_path":"meta-llama/Llama-2-7b-hf","architectures":["LlamaForCausalLM"],"bos_token_id":1,"eos_token_id":2,
        "hidden_act":"silu","hidden_size":64,"initializer_range":0.02,"intermediate_size":172,"max_position_embeddings":4096,
        "model_type":"llama","num_attention_heads":4,"num_hidden_layers":2,"num_key_value_heads":4,"pretraining_tp":1,
        "rms_norm_eps":1e-05,"rope_scaling":null,"tie_word_embeddings":false,"torch_dtype":"float16",
        "transformers_version":"4.31.0.dev0","use_cache":true,"vocab_size":320}
        """;

    /// <summary>TinyLlama-1.1B-Chat-v1.0.</summary>
    public const string TinyLlama = """
        {"architectures":["LlamaForCausalLM"],"attention_bias":false,"bos_token_id":1,"eos_token_id":2,"hidden_act":"silu",
        "hidden_size":64,"initializer_range":0.02,"intermediate_size":176,"max_position_embeddings":2048,"model_type":"llama",
        "num_attention_heads":8,"num_hidden_layers":2,"num_key_value_heads":1,"pretraining_tp":1,"rms_norm_eps":1e-05,
        "rope_scaling":null,"rope_theta":10000.0,"tie_word_embeddings":false,"torch_dtype":"bfloat16",
        "transformers_version":"4.35.0","use_cache":true,"vocab_size":320}
        """;

    /// <summary>SmolLM2-135M.</summary>
    public const string SmolLM2 = """
        {"architectures":["LlamaForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"bos_token_id":0,"eos_token_id":0,
        "hidden_act":"silu","hidden_size":72,"initializer_range":0.041666666666666664,"intermediate_size":192,
        "is_llama_config":true,"max_position_embeddings":8192,"mlp_bias":false,"model_type":"llama","num_attention_heads":9,
        "num_hidden_layers":3,"num_key_value_heads":3,"pretraining_tp":1,"rms_norm_eps":1e-05,"rope_interleaved":false,
        "rope_scaling":null,"rope_theta":100000,"tie_word_embeddings":true,"torch_dtype":"bfloat16",
        "transformers_version":"4.40.1","use_cache":true,"vocab_size":492}
        """;

    /// <summary>Llama-3.2-1B.</summary>
    public const string Llama32 = """
        {"architectures":["LlamaForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"bos_token_id":128000,
        "eos_token_id":128001,"head_dim":64,"hidden_act":"silu","hidden_size":256,"initializer_range":0.02,
        "intermediate_size":1024,"max_position_embeddings":131072,"mlp_bias":false,"model_type":"llama",
        "num_attention_heads":4,"num_hidden_layers":2,"num_key_value_heads":1,"pretraining_tp":1,"rms_norm_eps":1e-05,
        "rope_scaling":{"factor":32.0,"high_freq_factor":4.0,"low_freq_factor":1.0,"original_max_position_embeddings":8192,"rope_type":"llama3"},
        "rope_theta":500000.0,"tie_word_embeddings":true,"torch_dtype":"bfloat16","transformers_version":"4.45.0.dev0",
        "use_cache":true,"vocab_size":1282}
        """;

    /// <summary>Mistral-7B-v0.1.</summary>
    public const string Mistral = """
        {"architectures":["MistralForCausalLM"],"bos_token_id":1,"eos_token_id":2,"hidden_act":"silu","hidden_size":64,
        "initializer_range":0.02,"intermediate_size":224,"max_position_embeddings":32768,"model_type":"mistral",
        "num_attention_heads":4,"num_hidden_layers":2,"num_key_value_heads":1,"rms_norm_eps":1e-05,"rope_theta":10000.0,
        "sliding_window":4096,"tie_word_embeddings":false,"torch_dtype":"bfloat16","transformers_version":"4.34.0.dev0",
        "use_cache":true,"vocab_size":320}
        """;

    /// <summary>Qwen2.5-0.5B.</summary>
    public const string Qwen25 = """
        {"architectures":["Qwen2ForCausalLM"],"attention_dropout":0.0,"bos_token_id":151643,"eos_token_id":151643,
        "hidden_act":"silu","hidden_size":112,"initializer_range":0.02,"intermediate_size":304,"max_position_embeddings":32768,
        "max_window_layers":24,"model_type":"qwen2","num_attention_heads":14,"num_hidden_layers":3,"num_key_value_heads":2,
        "rms_norm_eps":1e-06,"rope_theta":1000000.0,"sliding_window":32768,"tie_word_embeddings":true,
        "torch_dtype":"bfloat16","transformers_version":"4.40.1","use_cache":true,"use_mrope":false,
        "use_sliding_window":false,"vocab_size":1519}
        """;

    /// <summary>Qwen3-0.6B.</summary>
    public const string Qwen3 = """
        {"architectures":["Qwen3ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"bos_token_id":151643,
        "eos_token_id":151645,"head_dim":32,"hidden_act":"silu","hidden_size":64,"initializer_range":0.02,
        "intermediate_size":192,"max_position_embeddings":40960,"max_window_layers":28,"model_type":"qwen3",
        "num_attention_heads":4,"num_hidden_layers":2,"num_key_value_heads":2,"rms_norm_eps":1e-06,"rope_scaling":null,
        "rope_theta":1000000,"sliding_window":null,"tie_word_embeddings":true,"torch_dtype":"bfloat16",
        "transformers_version":"4.51.0","use_cache":true,"use_sliding_window":false,"vocab_size":1519}
        """;

    /// <summary>Qwen3 as newer versions of transformers save it: layer_types, dtype, and rope_parameters for base and scaling.</summary>
    public const string Qwen3SavedAnew = """
        {"architectures":["Qwen3ForCausalLM"],"attention_bias":false,"attention_dropout":0.0,"bos_token_id":null,"dtype":"float32",
        "eos_token_id":151645,"head_dim":32,"hidden_act":"silu","hidden_size":64,"initializer_range":0.02,
        "intermediate_size":192,"layer_types":["full_attention","full_attention"],"max_position_embeddings":40960,
        "max_window_layers":28,"model_type":"qwen3","num_attention_heads":4,"num_hidden_layers":2,"num_key_value_heads":2,
        "pad_token_id":null,"rms_norm_eps":1e-06,"rope_parameters":{"rope_theta":1000000,"rope_type":"default"},
        "sliding_window":null,"tie_word_embeddings":true,"transformers_version":"5.0.0","use_cache":true,
        "use_sliding_window":false,"vocab_size":1519}
        """;
}
