using System.Globalization;
using Pique.Numerics;

namespace Pique.Data;

/// <summary>Requests in plain words and the one-line JSON call that serves each. Every argument is a copy of words in the request.</summary>
internal static class ToolCallGenerator
{
    private static readonly string[] Cities = ["Rome", "Paris", "London", "Oslo", "Berlin", "Madrid", "Lima", "Tokyo", "Cairo", "Delhi"];
    private static readonly string[] Days = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    private static readonly string[] Labels = ["tea", "rice", "cake", "eggs", "soup", "nap", "game", "bath"];
    private static readonly string[] MessageOpenings = ["meet me at the", "I am at the", "come to the", "wait at the", "see you at the"];
    private static readonly string[] MessagePlaces = ["park", "farm", "house", "bus", "train", "garden", "shop", "school"];
    private static readonly (string One, string Other)[] Units = [("km", "miles"), ("kg", "pounds"), ("cups", "liters"), ("feet", "meters")];
    private static readonly string[] Adjectives = ["red", "blue", "green", "big", "little", "old", "new", "happy"];
    private static readonly string[] SongThings = ["river", "moon", "star", "sun", "bird", "rain", "garden", "train", "boat", "forest", "dog", "tree"];
    private static readonly string[] Goods = ["hats", "books", "cups", "balls", "pens", "cakes", "boats", "boxes", "bags", "cards"];
    private static readonly string[] SearchEndings = ["", " for kids", " for cats", " for dogs"];
    private static readonly string[] Rooms = ["kitchen", "bedroom", "bathroom", "hall", "garden", "garage"];
    private static readonly string[] Events = ["lunch", "dinner", "tea", "a game", "a walk", "a party"];

    public static CurriculumRecord Draw(SplitMix64 random)
    {
        (string request, string name, string arguments) = random.NextInt32(8) switch
        {
            0 => Weather(random),
            1 => Timer(random),
            2 => SendMessage(random),
            3 => Convert(random),
            4 => PlayMusic(random),
            5 => SetLight(random),
            6 => Search(random),
            _ => AddEvent(random),
        };
        string call = "{\"name\":\"" + name + "\",\"arguments\":{" + arguments + "}}";
        return new CurriculumRecord(new DataRecord.ToolCall(request, call), "call " + call);
    }

    private static (string, string, string) Weather(SplitMix64 random)
    {
        string city = random.Pick(Cities);
        string day = random.Pick(Days);
        string request = random.Pick(
            $"What is the weather in {city} on {day}?",
            $"How is the weather in {city} on {day}?",
            $"Will it rain on {day} in {city}?",
            $"Tell me the weather for {day} in {city}.");
        return (request, "weather", $"{Text("city", city)},{Text("day", day)}");
    }

    private static (string, string, string) Timer(SplitMix64 random)
    {
        string label = random.Pick(Labels);
        string minutes = Number(random.NextInRange(2, 60));
        string request = random.Pick(
            $"Set a timer of {minutes} minutes for the {label}.",
            $"Tell me in {minutes} minutes to look after the {label}.",
            $"Start a {label} timer with {minutes} minutes.",
            $"The {label} needs {minutes} minutes, set a timer.");
        return (request, "timer", $"\"minutes\":{minutes},{Text("label", label)}");
    }

    private static (string, string, string) SendMessage(SplitMix64 random)
    {
        string to = Person.Draw(random).Name;
        string text = $"{random.Pick(MessageOpenings)} {random.Pick(MessagePlaces)}";
        string request = random.Pick(
            $"Send a message to {to}: {text}.",
            $"Tell {to}: {text}.",
            $"Write to {to}: {text}.",
            $"Send this to {to}: {text}.");
        return (request, "send_message", $"{Text("to", to)},{Text("text", text)}");
    }

    private static (string, string, string) Convert(SplitMix64 random)
    {
        (string from, string to) = random.Pick(Units);
        if (random.NextInt32(2) == 0)
        {
            (from, to) = (to, from);
        }

        string amount = Number(random.NextInRange(2, 99));
        string request = random.Pick(
            $"How many {to} are {amount} {from}?",
            $"Convert {amount} {from} to {to}.",
            $"What is {amount} {from} in {to}?",
            $"Turn {amount} {from} into {to}.");
        return (request, "convert", $"\"amount\":{amount},{Text("from", from)},{Text("to", to)}");
    }

    private static (string, string, string) PlayMusic(SplitMix64 random)
    {
        string song = $"{random.Pick(Adjectives)} {random.Pick(SongThings)}";
        string request = random.Pick(
            $"Play the song {song}.",
            $"I want to hear {song}.",
            $"Please play {song} for me.",
            $"Put on the music {song}.");
        return (request, "play_music", Text("song", song));
    }

    private static (string, string, string) SetLight(SplitMix64 random)
    {
        string room = random.Pick(Rooms);
        string level = Number(random.NextInRange(2, 99));
        string request = random.Pick(
            $"Set the light in the {room} to {level}.",
            $"Turn the {room} light to {level}.",
            $"Make the {room} light {level}.",
            $"I want {level} for the light in the {room}.");
        return (request, "set_light", $"{Text("room", room)},\"level\":{level}");
    }

    private static (string, string, string) Search(SplitMix64 random)
    {
        string query = $"{random.Pick(Adjectives)} {random.Pick(Goods)}{random.Pick(SearchEndings)}";
        string request = random.Pick(
            $"Search for {query}.",
            $"Find {query}.",
            $"Please look for {query}.",
            $"I want to find {query}.");
        return (request, "search", Text("query", query));
    }

    private static (string, string, string) AddEvent(SplitMix64 random)
    {
        string title = $"{random.Pick(Events)} with {Person.Draw(random).Name}";
        string day = random.Pick(Days);
        string request = random.Pick(
            $"Add {title} on {day}.",
            $"I have {title} on {day}, add it.",
            $"Plan {title} for {day}.",
            $"On {day} I have {title}.");
        return (request, "add_event", $"{Text("title", title)},{Text("day", day)}");
    }

    private static string Text(string argument, string value) => $"\"{argument}\":\"{value}\"";

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
