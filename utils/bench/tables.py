"""Results as Markdown and JSON."""
import json
import math


def describe_machine(roofline):
    return (f"Roofline of one core: {roofline['fma_gflops']:.0f} GFLOP/s (f32 multiply-add); reading "
            f"L1 {roofline['l1_gbs']:.0f}, L2 {roofline['l2_gbs']:.0f}, L3 {roofline['l3_gbs']:.0f}, "
            f"DRAM {roofline['dram_gbs']:.0f} GB/s.")


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def format_networks(rows, peers):
    """Median milliseconds; behind them the ratios nnc / peer, of which below 1 means that nnc is faster."""
    lines = ["| network | threads | nnc ms | GFLOP/s | " + " | ".join(f"{p} ms" for p in peers) +
             " | nnc / fastest | max error |", "|---" * (6 + len(peers)) + "|"]
    for row in rows:
        times, nnc = row["peers"], row["nnc_ms"]
        cells = [row["network"], row["threads"], f"{nnc:.4g}" if nnc else "-",
                 f"{row['gflops']:.0f}" if row.get("gflops") else "-"]
        cells += [f"{times[p]:.4g} ({nnc / times[p]:.2f})" if nnc and times.get(p) else
                  f"{times[p]:.4g}" if times.get(p) else "-" for p in peers]
        cells.append(f"{nnc / min(times.values()):.2f}" if nnc and times else "-")
        cells.append(f"{row['max_error']:.1e}" if row["max_error"] is not None else "-")
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    for peer in peers:
        ratios = [row["nnc_ms"] / row["peers"][peer] for row in rows if row["nnc_ms"] and peer in row["peers"]]
        if ratios:
            lines.append(f"\nGeometric mean of nnc / {peer} over {len(ratios)} networks: {geometric_mean(ratios):.2f}")
    missing = [f"- {row['network']}, {library}: {reason}" for row in rows for library, reason in row["missing"].items()]
    return "\n".join(lines) + ("\n\nNot measured:\n\n" + "\n".join(missing) if missing else "") + "\n"


def write_json(path, rows):
    with open(path, "w", encoding="utf-8") as file:
        json.dump(rows, file, indent=1)
        file.write("\n")
