using Patchwork.Samples;

TheArticle.Run(folder: "runs/the-article", epochs: 3, Console.WriteLine);
