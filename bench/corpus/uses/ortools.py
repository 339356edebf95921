"""Solves a linear program, a puzzle of integers and a tour."""

from ortools.constraint_solver import pywrapcp, routing_enums_pb2
from ortools.linear_solver import pywraplp
from ortools.sat.python import cp_model


def use() -> object:
    solver = pywraplp.Solver.CreateSolver("GLOP")
    x, y = solver.NumVar(0, 10, "x"), solver.NumVar(0, 10, "y")
    solver.Add(x + 2 * y <= 14)
    solver.Maximize(3 * x + 4 * y)
    solver.Solve()
    model = cp_model.CpModel()
    a, b = model.new_int_var(0, 9, "a"), model.new_int_var(0, 9, "b")
    model.add(a * 2 + b == 13)
    model.add(a < b)
    sat = cp_model.CpSolver()
    sat.parameters.num_workers = 1
    status = sat.status_name(sat.solve(model))
    manager = pywrapcp.RoutingIndexManager(4, 1, 0)
    routing = pywrapcp.RoutingModel(manager)
    far = [[0, 1, 5, 2], [1, 0, 2, 6], [5, 2, 0, 1], [2, 6, 1, 0]]
    call = routing.RegisterTransitCallback(
        lambda i, j: far[manager.IndexToNode(i)][manager.IndexToNode(j)]
    )
    routing.SetArcCostEvaluatorOfAllVehicles(call)
    way = pywrapcp.DefaultRoutingSearchParameters()
    way.first_solution_strategy = routing_enums_pb2.FirstSolutionStrategy.PATH_CHEAPEST_ARC
    tour = routing.SolveWithParameters(way).ObjectiveValue()
    return [round(solver.Objective().Value(), 6), status, 2 * sat.value(a) + sat.value(b), tour]
