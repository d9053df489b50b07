"""Pure rules that both flows use: tags, geography, filters, hours, quotes, ranking. Nothing here awaits."""
