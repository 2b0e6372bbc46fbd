namespace Patchwork.Reporting;

/// <summary>The style sheet and the script inside each report.</summary>
internal static class HtmlReportAssets
{
    internal const string Style = """
        :root { color-scheme: light dark;
          --ink: #1a1a1a; --soft: #5f5f5f; --rule: #d9d9d9; --ground: #fff; --tint: #f5f5f3; --accent: #0072b2; }
        @media screen and (prefers-color-scheme: dark) {
          :root { --ink: #e8e8e6; --soft: #a5a5a2; --rule: #3a3a3a; --ground: #161616; --tint: #202020; --accent: #56b4e9;
            --series-1: #56b4e9; --series-2: #f08a3c; --series-3: #2bc397; --series-4: #e2a3c7; --series-5: #f0c04c; --series-6: #9db8ff; }
        }
        * { box-sizing: border-box; }
        body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, "DejaVu Sans", sans-serif; }
        main { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
        h1, h2 { overflow-wrap: anywhere; }
        h1 { font-size: 1.9rem; line-height: 1.2; margin: 0 0 .75rem; text-wrap: balance; }
        h2 { font-size: 1.2rem; margin: 2.75rem 0 .75rem; }
        .lead { font-size: 1.2rem; margin: 0; max-width: 46rem; }
        p { max-width: 46rem; overflow-wrap: break-word; }
        figure { margin: 1.25rem 0; overflow-x: auto; }
        figure svg { min-width: 40rem; }
        figure svg, figure img { display: block; width: 100%; height: auto; }
        figure img { width: auto; max-width: max(100%, 40rem); background: #fff; }
        .narrow { display: none; }
        .narrow svg { min-width: 0; max-width: 30rem; }
        @media screen and (max-width: 42.5rem) { .wide { display: none; } .narrow { display: block; } }
        figcaption { color: var(--soft); font-size: .875rem; margin-top: .5rem; position: sticky; left: 0; }
        .strip { display: grid; grid-template-columns: repeat(auto-fit, minmax(8rem, 1fr)); gap: 1rem; max-width: 52rem; margin: 1.5rem 0; }
        .row { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(18rem, 100%), 1fr)); gap: 1.5rem; }
        .row svg { min-width: 0; max-width: 30rem; }
        .strip figure, .row figure { margin: 0; }
        .strip figure img { width: 100%; max-width: none; image-rendering: pixelated; }
        .opening > figure { max-width: 52rem; }
        .scroll { overflow-x: auto; }
        table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
        th, td { padding: .45rem .75rem .45rem 0; border-bottom: 1px solid var(--rule); text-align: left; vertical-align: top; }
        .number { text-align: right; white-space: nowrap; padding: .45rem 0 .45rem .75rem; }
        th { font-weight: 600; border-bottom: 2px solid var(--ink); }
        th.number { white-space: normal; }
        th:first-child, td:first-child { position: sticky; left: 0; background: var(--ground); }
        th button { all: unset; cursor: pointer; }
        th button:hover { text-decoration: underline; }
        th button:focus-visible, .copy:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
        th[aria-sort=ascending] button::after { content: " ↑" / ""; }
        th[aria-sort=descending] button::after { content: " ↓" / ""; }
        .copy { margin-top: .6rem; padding: .2rem .7rem; font: inherit; font-size: .875rem; color: var(--accent); background: none;
          border: 1px solid var(--rule); border-radius: .3rem; cursor: pointer; }
        pre { background: var(--tint); padding: .9rem 1rem; overflow-x: auto; font-size: .875rem; border-radius: .3rem; }
        dl { display: grid; grid-template-columns: max-content 1fr; gap: .25rem 1.5rem; margin: 0; font-size: .9375rem; }
        dt { color: var(--soft); }
        dd { margin: 0; overflow-wrap: anywhere; }
        @media (max-width: 30rem) { main { padding-top: 1.5rem; }
          dl { grid-template-columns: 1fr; } dd { margin-bottom: .5rem; } h1 { font-size: 1.5rem; } }
        @media print {
          .copy { display: none; } main { max-width: none; padding: 0; } figure, tr { break-inside: avoid; } h2 { break-after: avoid; }
          pre { white-space: pre-wrap; overflow-wrap: anywhere; } .scroll, figure { overflow: visible; }
          figure svg { min-width: 0; } figure img { max-width: 100%; }
          table { font-size: .75rem; } .number { white-space: normal; }
          th, td { padding: .3rem .5rem .3rem 0; } .number { padding: .3rem 0 .3rem .5rem; } }
        """;

    internal const string Script = """
        for (const box of document.querySelectorAll('.table')) {
          const table = box.querySelector('table'), body = table.tBodies[0], heads = [...table.tHead.rows[0].cells];
          heads.forEach((head, column) => {
            const button = document.createElement('button');
            button.textContent = head.textContent;
            head.replaceChildren(button);
            button.addEventListener('click', () => {
              const down = head.getAttribute('aria-sort') === 'ascending';
              heads.forEach(other => other.removeAttribute('aria-sort'));
              head.setAttribute('aria-sort', down ? 'descending' : 'ascending');
              // A number may follow an arrow. Missing values come last in both directions.
              const numeric = head.classList.contains('number');
              const key = row => {
                const text = row.cells[column].textContent;
                return numeric ? parseFloat(text.slice(Math.max(0, text.search(/[-+]?\.?\d/)))) : text;
              };
              const missing = value => numeric ? isNaN(value) : value === '';
              const compare = (a, b) => missing(a) - missing(b)
                || (down ? -1 : 1) * (numeric ? a - b || 0 : a.localeCompare(b, 'en', { numeric: true }));
              body.append(...[...body.rows].sort((a, b) => compare(key(a), key(b))));
            });
          });
          const copy = box.querySelector('.copy');
          copy.addEventListener('click', async () => {
            const text = [...table.rows].map(row => [...row.cells].map(cell => cell.textContent).join('\t')).join('\n');
            try { await navigator.clipboard.writeText(text); copy.textContent = 'Copied'; }
            catch {
              // Copying a selected table would drop the empty cells at the start of a row.
              getSelection().selectAllChildren(table);
              const fill = event => { event.clipboardData.setData('text/plain', text); event.preventDefault(); };
              table.addEventListener('copy', fill, { once: true });
              copy.textContent = document.execCommand('copy') ? 'Copied' : 'Selected: press Ctrl+C';
            }
          });
        }
        """;
}
