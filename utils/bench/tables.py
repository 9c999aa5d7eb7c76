"""Results as Markdown and JSON."""
import json
import math


def describe_machine(roofline):
    return (f"Roofline of one core: {roofline['fma_gflops']:.0f} GFLOP/s (f32 multiply-add); reading "
            f"L1 {roofline['l1_gbs']:.0f}, L2 {roofline['l2_gbs']:.0f}, L3 {roofline['l3_gbs']:.0f}, "
            f"DRAM {roofline['dram_gbs']:.0f} GB/s.")


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def format_times(row, peers):
    """The cells of nnc's peers: median milliseconds and, behind them, the ratio nnc / peer."""
    times, nnc = row["peers"], row["nnc_ms"]
    return [f"{times[p]:.4g} ({nnc / times[p]:.2f})" if nnc and times.get(p) else f"{times[p]:.4g}" if times.get(p) else "-"
            for p in peers]


def summarise(rows, peers, what):
    """Lines behind a table: geometric means, and what is missing."""
    lines = []
    for peer in peers:
        ratios = [row["nnc_ms"] / row["peers"][peer] for row in rows if row["nnc_ms"] and peer in row["peers"]]
        if ratios:
            lines.append(f"\nGeometric mean of nnc / {peer} over {len(ratios)} {what}: {geometric_mean(ratios):.2f}")
    missing = [f"- {row['network']}, {library}: {reason}" for row in rows for library, reason in row["missing"].items()]
    return "\n".join(lines) + ("\n\nNot measured:\n\n" + "\n".join(missing) if missing else "") + "\n"


def format_layers(rows, peers):
    """As format_networks, with the share of the machine's limit that nnc reaches."""
    lines = ["| layer | nnc ms | GFLOP/s | of limit | " + " | ".join(f"{p} ms" for p in peers) + " | max error |",
             "|---" * (5 + len(peers)) + "|"]
    for row in rows:
        nnc = row["nnc_ms"]
        cells = [row["network"], f"{nnc:.4g}" if nnc else "-", f"{row['gflops']:.0f}" if row.get("gflops") else "-",
                 f"{100 * row['limit_ms'] / nnc:.0f} %" if nnc else "-", *format_times(row, peers),
                 f"{row['max_error']:.1e}" if row["max_error"] is not None else "-"]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n" + summarise(rows, peers, "layers")


def format_networks(rows, peers):
    """Median milliseconds; behind them the ratios nnc / peer, of which below 1 means that nnc is faster."""
    lines = ["| network | threads | nnc ms | GFLOP/s | " + " | ".join(f"{p} ms" for p in peers) +
             " | nnc / fastest | max error |", "|---" * (6 + len(peers)) + "|"]
    for row in rows:
        times, nnc = row["peers"], row["nnc_ms"]
        cells = [row["network"], row["threads"], f"{nnc:.4g}" if nnc else "-",
                 f"{row['gflops']:.0f}" if row.get("gflops") else "-"]
        cells += format_times(row, peers)
        others = [time for peer, time in times.items() if peer != "dynamic"]  # which is nnc's, too
        cells.append(f"{nnc / min(others):.2f}" if nnc and others else "-")
        cells.append(f"{row['max_error']:.1e}" if row["max_error"] is not None else "-")
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + "\n" + summarise(rows, peers, "networks")


def write_json(path, rows):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(rows, file, indent=1)
        file.write("\n")
