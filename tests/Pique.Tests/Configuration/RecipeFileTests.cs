using System.Text;
using Pique.Configuration;

namespace Pique.Tests.Configuration;

public sealed class RecipeFileTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("pique-recipe-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void A_configuration_alone_is_told_by_its_fields()
    {
        ConfigurationSource.Bare bare = Assert.IsType<ConfigurationSource.Bare>(RecipeFile.Load(Write("config.json", QatConfigJson.Write(QatConfig.PiQ2))));
        Assert.Equal(QatConfig.PiQ2, bare.Config);
    }

    [Fact]
    public void Paths_of_a_recipe_start_at_its_folder()
    {
        string path = Write("recipe.json", """{"model": "models/a", "teacher": "../b", "data": {"files": [{"path": "x.txt"}, {"path": "/y.jsonl"}]}, "training": {"teacher_cache": {"folder": "kept"}}}""");
        Recipe recipe = Assert.IsType<ConfigurationSource.Training>(RecipeFile.Load(path)).Recipe;
        Assert.Equal(Path.Combine(_folder, "models", "a"), recipe.Model);
        Assert.Equal(Path.Combine(Path.GetDirectoryName(_folder)!, "b"), recipe.Teacher);
        Assert.Equal(Path.Combine(_folder, "kept"), recipe.Training.TeacherCache!.Folder);
        Assert.Equal([Path.Combine(_folder, "x.txt"), "/y.jsonl"], recipe.Data.Files.Select(file => file.Path));
    }

    [Fact]
    public void A_pretraining_recipe_is_told_by_its_fields()
    {
        string path = Write("pretrain.json", """{"initial_model": "first", "architecture": {"layers": 2}, "data": {"files": [{"path": "x.txt"}]}}""");
        PretrainRecipe recipe = Assert.IsType<ConfigurationSource.Pretraining>(RecipeFile.Load(path)).Recipe;
        Assert.Equal(2, recipe.Architecture.Layers);
        Assert.Equal(Path.Combine(_folder, "first"), recipe.InitialModel);
        Assert.Equal(Path.Combine(_folder, "x.txt"), Assert.Single(recipe.Data.Files).Path);
    }

    [Fact]
    public void A_byte_order_mark_does_no_harm()
    {
        string path = Path.Combine(_folder, "bom.json");
        File.WriteAllText(path, "{}", new UTF8Encoding(encoderShouldEmitUTF8Identifier: true));
        Assert.Equal(new ConfigurationSource.Bare(QatConfig.Default), RecipeFile.Load(path));
    }

    [Fact]
    public void A_faulty_file_is_named()
    {
        string path = Write("bad.json", """{"bits": 9}""");
        ConfigurationException error = Assert.Throws<ConfigurationException>(() => RecipeFile.Load(path));
        Assert.Equal($"{path}: bits: found 9, expected 2, 3, 4, 5 or 8; set it to 8.", error.Message);
    }

    [Fact]
    public void Missing_files_folders_binaries_and_giants_are_refused()
    {
        string missing = Path.Combine(_folder, "none", "none.json");
        Assert.Equal($"{missing}: found no such file, expected a configuration; check the path.", Message(missing));
        Assert.Equal($"{_folder}: found a folder, expected a configuration file; name the file within it.", Message(_folder));
        string binary = Path.Combine(_folder, "binary");
        File.WriteAllBytes(binary, [0x7b, 0xff, 0xfe, 0x7d]);
        Assert.Equal($"{binary}: found bytes that are no UTF-8, expected JSON text; save the file as UTF-8.", Message(binary));
        string giant = Write("giant.json", new string(' ', RecipeFile.MaxFileBytes) + "{}");
        Assert.Equal($"{giant}: found more than 1048576 bytes, expected a configuration of a few thousand; check that it is the right file.", Message(giant));
        Assert.StartsWith("a\0b: the file cannot be read (", Message("a\0b"), StringComparison.Ordinal);
        Assert.StartsWith(": the file cannot be read (", Message(""), StringComparison.Ordinal);
    }

    private static string Message(string path) => Assert.Throws<InputException>(() => RecipeFile.Load(path)).Message;

    private string Write(string name, string text)
    {
        string path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}
