"""Chains a prompt, a model of its own and a parser; keeps and loads a chain."""

from langchain_core.documents import Document
from langchain_core.language_models import FakeListChatModel
from langchain_core.load import dumps, loads
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.output_parsers import JsonOutputParser, StrOutputParser
from langchain_core.prompts import ChatPromptTemplate
from langchain_core.runnables import RunnableLambda, RunnableParallel
from langchain_core.tools import tool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langchain_core.vectorstores import InMemoryVectorStore


@tool
def add(a: int, b: int) -> int:
    """Add two numbers.

    Args:
        a: the first.
        b: the second.
    """
    return a + b


def use() -> object:
    prompt = ChatPromptTemplate.from_messages([("system", "be {how}"), ("human", "{text}")])
    model = FakeListChatModel(responses=['{"a": 1}', "x"])
    chain = prompt | model | JsonOutputParser()
    both = RunnableParallel(a=RunnableLambda(len), b=RunnableLambda(str.upper))
    kept = (
        loads(dumps(prompt), allowed_objects="all")
        if "allowed_objects" in loads.__code__.co_varnames
        else prompt
    )
    return [
        chain.invoke({"how": "short", "text": "hi"}),
        both.invoke("abc"),
        add.invoke({"a": 1, "b": 2}),
        convert_to_openai_tool(add),
        len(kept.messages),
        (model | StrOutputParser()).invoke("y"),
        [type(one).__name__ for one in (AIMessage("a"), HumanMessage("b"))],
        Document("text").page_content,
        InMemoryVectorStore.__name__,
    ]
