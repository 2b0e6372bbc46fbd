using Patchwork.Distributed;
using Patchwork.Samples;

using var ranks = Launcher.Join();      // the ranks that mpirun started, or this process alone
SeveralMachines.Run(ranks, epochs: 3, Console.WriteLine);
