//! Answers of look-ups, kept for as long as nothing was committed since.

use std::any::Any;
use std::collections::HashMap;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// More are not kept: then it begins anew. What is asked for often is there again at once.
const LIMIT: usize = 2048;

/// The kept answers, all of one generation of the database (see [`Watch`](super::watch::Watch)).
#[derive(Default)]
pub(super) struct Answers {
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    generation: u64,
    answers: HashMap<String, Arc<dyn Any + Send + Sync>>,
}

impl Answers {
    /// The answer to a question, if it was given in this generation.
    pub(super) fn get<T: Clone + 'static>(&self, generation: u64, question: &str) -> Option<T> {
        let kept = self.lock();
        let same = kept.generation == generation;
        let answer = same.then(|| kept.answers.get(question).cloned());
        drop(kept);
        answer.flatten()?.downcast_ref::<T>().cloned()
    }

    /// Keeps an answer that was read in a snapshot which began after the generation was asked for: if the generation
    /// is still the same when the answer is wanted, nothing was committed in between.
    pub(super) fn keep<T: Clone + Send + Sync + 'static>(
        &self,
        generation: u64,
        question: String,
        answer: T,
    ) {
        let mut kept = self.lock();
        let mut old = HashMap::new();
        if kept.generation < generation || kept.answers.len() >= LIMIT {
            old = mem::take(&mut kept.answers);
            kept.generation = kept.generation.max(generation);
        }
        if kept.generation == generation {
            kept.answers.insert(question, Arc::new(answer));
        }
        // Nobody waits while thousands of old answers are freed.
        drop(kept);
        drop(old);
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A question of some kind as a text: no two different ones give the same.
pub(super) fn question<const N: usize>(kind: char, fields: [Option<&str>; N]) -> String {
    let length = fields.iter().map(|field| field.map_or(1, str::len) + 6);
    let mut question = String::with_capacity(length.sum());
    question.push(kind);
    for field in fields {
        match field {
            None => question.push('-'),
            Some(field) => {
                question.push_str(&field.len().to_string());
                question.push(':');
                question.push_str(field);
            }
        }
    }
    question
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_of_its_generation_only() {
        let answers = Answers::default();
        answers.keep(1, "q".to_owned(), 7_u32);
        assert_eq!(answers.get(1, "q"), Some(7_u32));
        assert_eq!(answers.get::<u32>(2, "q"), None);
        assert_eq!(answers.get::<u32>(0, "q"), None);
        answers.keep(2, "r".to_owned(), 8_u32);
        assert_eq!(answers.get::<u32>(2, "q"), None);
        // One that was long under way.
        answers.keep(1, "q".to_owned(), 7_u32);
        assert_eq!(answers.get::<u32>(1, "q"), None);
        assert_eq!(answers.get::<u32>(2, "q"), None);
        assert_eq!(answers.get(2, "r"), Some(8_u32));
    }

    #[test]
    fn there_is_a_limit() {
        let answers = Answers::default();
        for number in 0..3 * LIMIT {
            answers.keep(1, number.to_string(), number);
            assert!(answers.lock().answers.len() <= LIMIT);
        }
    }

    #[test]
    fn questions_that_differ_have_different_texts() {
        let questions = [
            question('f', [Some("a"), Some("b")]),
            question('f', [Some("a"), None]),
            question('f', [None, Some("a")]),
            question('f', [Some(""), Some("a")]),
            question('f', [Some("a1:b"), None]),
            question('f', [Some("-"), None]),
            question('f', [Some("a"), Some("-")]),
            question('l', [Some("a"), Some("b")]),
        ];
        for (place, question) in questions.iter().enumerate() {
            assert!(!questions[place + 1..].contains(question), "{question}");
        }
    }
}
