namespace Patchwork.Imaging;

/// <summary>Finds the known name that a misspelled one was most likely meant to be.</summary>
internal static class Nearest
{
    /// <summary>
    /// The known name with the fewest edits from <paramref name="given"/>, or null when none is close (more than half of it differs).
    /// </summary>
    public static string? Name(string given, IEnumerable<string> known)
    {
        var (name, edits) = known
            .Select(candidate => (Name: candidate, Edits: Distance(given.ToLowerInvariant(), candidate.ToLowerInvariant())))
            .OrderBy(pair => pair.Edits)
            .FirstOrDefault((Name: "", Edits: int.MaxValue));
        return edits <= Math.Max(given.Length, name.Length) / 2 ? name : null;
    }

    /// <summary>The Levenshtein distance: the insertions, deletions and replacements that turn one text into the other.</summary>
    internal static int Distance(string a, string b)
    {
        var row = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(replaced, Math.Min(row[j], row[j - 1]) + 1);
            }
        }
        return row[b.Length];
    }
}
