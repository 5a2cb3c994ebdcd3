//! A hub method with its types forgotten: what the dispatcher needs to know of it.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use futures_util::stream::{BoxStream, Stream, StreamExt};
use serde::Serialize;

use super::Boxed;
use crate::arguments::{Arguments, FromArguments};
use crate::caller::Caller;
use crate::completion::{Completion, IntoCompletion};
use crate::error::HubException;
use crate::upload::sealed::Sources;
use crate::upload::{UploadSource, Uploads};
use crate::value::Encode;

/// Items to a client.
pub(crate) type Items = BoxStream<'static, Result<Box<dyn Encode>, HubException>>;

/// What a method answers.
pub(crate) enum Answer {
    Once(Completion),
    Stream(Items),
}

/// A call, ready for its method.
pub(crate) struct Input {
    pub(crate) caller: Caller,
    pub(crate) arguments: Arguments,
    pub(crate) uploads: Vec<UploadSource>,
}

type Run = Arc<dyn Fn(Input) -> Boxed<Result<Answer, HubException>> + Send + Sync>;

/// A method.
#[derive(Clone)]
pub(crate) struct Method {
    /// Whether it answers with a stream.
    pub(crate) streams: bool,
    /// How many streams it takes.
    pub(crate) uploads: usize,
    pub(crate) run: Run,
}

/// The streams of a call; the dispatcher has compared their number.
fn uploads<U: Uploads>(sources: Vec<UploadSource>) -> Result<U, HubException> {
    U::take(&mut Sources(sources.into_iter()))
        .ok_or_else(|| HubException::internal("InvalidOperationException", "a stream is missing"))
}

fn boxed<T, Fut: Future<Output = T> + Send + 'static>(
    future: Fut,
) -> Pin<Box<dyn Future<Output = T> + Send>> {
    Box::pin(future)
}

pub(super) fn plain<A, R, F, Fut>(method: F) -> Method
where
    A: FromArguments,
    R: IntoCompletion,
    F: Fn(Caller, A) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, HubException>> + Send + 'static,
{
    let run: Run = Arc::new(move |input: Input| {
        let future = A::from_arguments(input.arguments).map(|a| method(input.caller, a));
        boxed(async move { Ok(Answer::Once(future?.await?.into_completion())) })
    });
    Method {
        streams: false,
        uploads: 0,
        run,
    }
}

pub(super) fn plain_with_uploads<A, U, R, F, Fut>(method: F) -> Method
where
    A: FromArguments,
    U: Uploads,
    R: IntoCompletion,
    F: Fn(Caller, A, U) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<R, HubException>> + Send + 'static,
{
    let run: Run = Arc::new(move |input: Input| {
        let future = A::from_arguments(input.arguments)
            .map_err(HubException::from)
            .and_then(|a| Ok(method(input.caller, a, uploads(input.uploads)?)));
        boxed(async move { Ok(Answer::Once(future?.await?.into_completion())) })
    });
    Method {
        streams: false,
        uploads: U::COUNT,
        run,
    }
}

pub(super) fn streaming<A, S, T, F, Fut>(method: F) -> Method
where
    A: FromArguments,
    S: Stream<Item = Result<T, HubException>> + Send + 'static,
    T: Serialize + Send + Sync + 'static,
    F: Fn(Caller, A) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<S, HubException>> + Send + 'static,
{
    let run: Run = Arc::new(move |input: Input| {
        let future = A::from_arguments(input.arguments).map(|a| method(input.caller, a));
        boxed(async move { Ok(Answer::Stream(items(future?.await?))) })
    });
    Method {
        streams: true,
        uploads: 0,
        run,
    }
}

pub(super) fn streaming_with_uploads<A, U, S, T, F, Fut>(method: F) -> Method
where
    A: FromArguments,
    U: Uploads,
    S: Stream<Item = Result<T, HubException>> + Send + 'static,
    T: Serialize + Send + Sync + 'static,
    F: Fn(Caller, A, U) -> Fut + Send + Sync + 'static,
    Fut: Future<Output = Result<S, HubException>> + Send + 'static,
{
    let run: Run = Arc::new(move |input: Input| {
        let future = A::from_arguments(input.arguments)
            .map_err(HubException::from)
            .and_then(|a| Ok(method(input.caller, a, uploads(input.uploads)?)));
        boxed(async move { Ok(Answer::Stream(items(future?.await?))) })
    });
    Method {
        streams: true,
        uploads: U::COUNT,
        run,
    }
}

fn items<S, T>(stream: S) -> Items
where
    S: Stream<Item = Result<T, HubException>> + Send + 'static,
    T: Serialize + Send + Sync + 'static,
{
    stream
        .map(|item| item.map(|item| Box::new(item) as Box<dyn Encode>))
        .boxed()
}
