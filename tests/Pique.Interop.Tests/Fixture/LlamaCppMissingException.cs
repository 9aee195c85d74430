namespace Pique.Interop.Tests.Fixture;

/// <summary>llama.cpp cannot be had on this machine, through no fault of the project.</summary>
/// <param name="message">Why.</param>
internal sealed class LlamaCppMissingException(string message) : Exception(message);
