"""Finds paths, communities and ranks in graphs."""

import networkx as nx


def use() -> object:
    graph = nx.karate_club_graph()
    tree = nx.minimum_spanning_tree(graph)
    flow = nx.DiGraph([(0, 1, {"capacity": 3}), (1, 2, {"capacity": 2})])
    return [
        nx.shortest_path(graph, 0, 33),
        tree.number_of_edges(),
        nx.maximum_flow_value(flow, 0, 2),
        sorted(map(len, nx.community.greedy_modularity_communities(graph))),
        nx.is_planar(nx.complete_graph(5)),
        next(iter(nx.generate_graphml(nx.path_graph(2))))[:8],
    ]
